"""A map that is made while processes are killed and disks are full, for real."""

import signal

import numpy as np
import pytest
from map_runs import (
    on_a_small_disk,
    peak_of_a_map,
    pictures,
    run,
    told,
    update,
    with_short_files,
)

from pocketvlad.format.error import FormatError
from pocketvlad.maps.photograph_map import journal_file
from pocketvlad.maps.place_map import PlaceMap

PHOTOGRAPHS = 60


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(PHOTOGRAPHS):
        (folder / f"{number}.jpg").write_bytes(b"photograph %d" % number)
    return folder


def names_in(folder):
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_that_is_killed_again_and_again_makes_the_same_file(folder, tmp_path, seed):
    """By SIGKILL, at lines drawn at random; also while a map is brought up to date."""
    whole, city = tmp_path / "whole", tmp_path / "city"
    whole.mkdir()
    city.mkdir()
    path, generator = city / "city.pvmap", np.random.default_rng(seed)
    before = None
    for _ in range(2):
        status, lines = run(whole / "city.pvmap", folder)
        assert status == 0
        after, killed = (whole / "city.pvmap").read_bytes(), 0
        # Early ones; the last lines, where the map is written; and any.
        moments = [*generator.integers(1, lines, 3), lines - generator.integers(2, 60)]
        for moment in moments:
            status, _ = run(path, folder, int(moment))
            assert status in (0, -signal.SIGKILL)  # what goes on has fewer lines to run
            killed += status != 0
            assert (path.read_bytes() if path.exists() else None) in (before, after)
        assert killed
        update(path, folder)
        assert path.read_bytes() == after
        assert names_in(city) == ["city.pvmap"]  # nothing is left of those that were killed
        before = after
        (folder / "3.jpg").write_bytes(b"another one")
        (folder / "4.jpg").unlink(missing_ok=True)
        for number in range(20):
            (folder / f"new{number}.jpg").write_bytes(b"a new one %d" % number)


@pytest.mark.parametrize("moment", range(1, 60, 8))
def test_a_kill_while_the_map_is_written_leaves_none_or_all(folder, tmp_path, moment):
    for each in list(pictures(folder).values())[5:]:
        each.path.unlink()
    path = tmp_path / "city.pvmap"
    _, lines = run(tmp_path / "whole.pvmap", folder)
    assert run(path, folder, lines - moment)[0] == -signal.SIGKILL
    whole = (tmp_path / "whole.pvmap").read_bytes()
    assert not path.exists() or path.read_bytes() == whole
    update(path, folder)
    assert path.read_bytes() == whole
    assert names_in(tmp_path) == ["city.pvmap", "photographs", "whole.pvmap"]


@pytest.mark.parametrize(("longest", "writing"), [(500, False), (4000, False), (1000, True)])
def test_a_file_that_may_not_grow_is_told_and_the_old_map_stays(folder, tmp_path, longest, writing):
    path = tmp_path / "city.pvmap"
    update(path, folder, lists=0)
    before = path.read_bytes()
    for number in range(PHOTOGRAPHS):
        (folder / f"more{number}.jpg").write_bytes(b"one more %d" % number)
    error = told(with_short_files, path, folder, longest, writing)
    if writing:
        assert error.startswith(f"DiskSpaceError: {path} cannot be written: ")
        assert error.endswith("; make room, or use another disk")
    else:
        assert error.startswith(f"JournalError: {journal_file(path)} cannot be written: ")
        assert error.endswith("; make room")
    assert "File too large" in error
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["city.pvmap", "city.pvmap.unfinished", "photographs"]
    update(path, folder, lists=0)
    with PlaceMap(path) as found:
        found.verify()
        assert found.places == 2 * PHOTOGRAPHS


def test_a_disk_that_is_full_for_real(folder, tmp_path):
    """It has room for no descriptor, for some, for all, and then for the map, too."""
    disk = tmp_path / "disk"
    disk.mkdir()
    found = told(on_a_small_disk, disk, folder, ["4k", "8k", "16k", "64k"])
    if found is None:
        pytest.skip("a process may not mount a disk of its own here")
    rounds, content = found
    for error, _ in rounds[:2]:
        assert error.startswith(f"JournalError: {disk}/city.pvmap.unfinished cannot be written: ")
        assert "No space left on device; make room" in error
    kept = [files["city.pvmap.unfinished"] for _, files in rounds[:3]]
    assert kept[0] < kept[1] < kept[2]
    assert f"writing {disk}/city.pvmap needs " in rounds[2][0]
    assert "make room" in rounds[2][0]
    assert all(list(files) == ["city.pvmap.unfinished"] for _, files in rounds[:3])
    assert rounds[3] == (None, {"city.pvmap": len(content)})
    update(tmp_path / "whole.pvmap", folder, "float32", lists=0)
    assert content == (tmp_path / "whole.pvmap").read_bytes()


@pytest.mark.parametrize("kept", [0, 24, 1000, -1])
def test_a_file_with_holes_is_refused(folder, tmp_path, kept):
    """As a copy leaves it that was stopped: of the right size, and zeros behind."""
    path = tmp_path / "city.pvmap"
    update(path, folder, "float32", lists=0)
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.truncate(kept % size)
        file.truncate(size)
    before = path.read_bytes()
    query = np.eye(1, 32, dtype=np.float32)

    def search():
        with PlaceMap(path) as places:
            places.search(query, 3)

    def verify():
        with PlaceMap(path) as places:
            places.verify()

    def add():
        (folder / "new.jpg").write_bytes(b"a new one")
        update(path, folder, "float32", lists=0)

    for use in (search, verify, add):
        with pytest.raises(FormatError, match=r"city\.pvmap: .*(damaged|does not begin|end)"):
            use()
    assert path.read_bytes() == before


def test_a_map_of_many_places_is_made_in_bounded_memory(tmp_path):
    """Its codes twice, its names a few times, and blocks."""
    places, components = 60_000, 256
    found = told(peak_of_a_map, tmp_path / "city.pvmap", places, components)
    codes, descriptors = places * components, 4 * places * components
    assert codes < found < 2.5 * codes + 400 * places < 1.1 * descriptors
