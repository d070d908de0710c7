"""A folder as a map: what is described, and when; what a kill, a change or a wrong wish leaves."""

import json
import os

import numpy as np
import pytest

from pocketvlad.format.error import FormatError
from pocketvlad.format.map_file import MapFile
from pocketvlad.maps import journal as journal_module
from pocketvlad.maps.described_photographs import Describer
from pocketvlad.maps.folder_map import folder_map, hidden_map
from pocketvlad.maps.journal import Journal, JournalError
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.map_positions import PositionWish
from pocketvlad.maps.map_update import Wishes
from pocketvlad.maps.photograph_map import journal_file, update_map
from pocketvlad.maps.place_map import MapError, PlaceMap
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util import file_lock

LENGTH, BATCH = 8, 3
MADE = {"model_sha256": "ab" * 32, "preprocessing": {}, "sizing": {"image_size": 480}}
EXACT, INT8 = Wishes(code_named("float32")), Wishes(code_named("int8"))


def row_of(path):
    """What the network of these tests says of a file; of its content alone."""
    seed = np.frombuffer(path.read_bytes(), np.uint8)
    row = np.random.default_rng(seed).normal(size=LENGTH).astype(np.float32)
    return row / np.linalg.norm(row)


class Network:
    """Describes files by their content, notes which, and can be killed."""

    def __init__(self, made=MADE):
        self.seen, self.batches_left, self.made = [], None, made

    @property
    def describer(self):
        return Describer(json.dumps(self.made, sort_keys=True), LENGTH, self.rows, self.fault)

    def rows(self, pictures):
        for start in range(0, len(pictures), BATCH):
            if self.batches_left == 0:
                raise KeyboardInterrupt
            if self.batches_left is not None:
                self.batches_left -= 1
            # Not in their order: batches are of one shape each.
            numbers = list(range(start, min(start + BATCH, len(pictures))))[::-1]
            self.seen += [pictures[number].path.name for number in numbers]
            yield numbers, np.array([row_of(pictures[number].path) for number in numbers])

    @staticmethod
    def fault(picture):
        broken = picture.path.read_bytes().startswith(b"broken")
        return f"{picture.path} is broken" if broken else None

    def taken(self):
        """Which were described since it was last asked."""
        seen, self.seen = sorted(self.seen), []
        return seen


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photographs"
    (folder / "in").mkdir(parents=True)
    for number in range(8):
        (folder / f"{number}.jpg").write_bytes(b"photograph %d" % number)
    (folder / "in" / "9.jpg").write_bytes(b"photograph 9")
    return folder


def pictures(folder):
    return {str(path.relative_to(folder)): Picture(path, (9, 9)) for path in folder.rglob("*.jpg")}


def rows_in(path):
    """What the map decodes to, by name."""
    with PlaceMap(path) as found:
        found.verify()
        rows = found.code.decode(found.file.whole("codes"))
        return dict(zip(found.file.all_names(), rows, strict=True))


def assert_is_of(path, folder, atol=0.0):
    expected = {name: row_of(each.path) for name, each in pictures(folder).items()}
    found = rows_in(path)
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        np.testing.assert_allclose(found[name], row, atol=atol)


def test_only_what_is_new_or_changed_is_described(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"

    def update():
        return update_map(path, pictures(folder), network.describer, INT8)

    first = update()
    assert (first.described, first.removed, first.faults) == (9, 0, [])
    assert len(network.taken()) == 9
    step = 2 / 255 * 2  # a component of a unit vector, and what its range may exceed it by
    assert_is_of(path, folder, atol=step)
    with PlaceMap(path) as found:
        parameters = found.code.parameters()
    before, inode = path.read_bytes(), path.stat().st_ino
    again = update()
    assert (again.described, again.removed) == (0, 0)
    assert network.taken() == []
    assert path.stat().st_ino == inode  # not even written
    (folder / "new.jpg").write_bytes(b"a new one")
    (folder / "3.jpg").write_bytes(b"another one")
    (folder / "4.jpg").unlink()
    (folder / "5.jpg").rename(folder / "in" / "5.jpg")
    later = update()
    assert (later.described, later.removed) == (3, 2)
    assert network.taken() == ["3.jpg", "5.jpg", "new.jpg"]
    assert_is_of(path, folder, atol=step)
    # The code stays, and so do the codes of what has not changed.
    with PlaceMap(path) as found:
        for name, array in found.code.parameters().items():
            np.testing.assert_array_equal(array, parameters[name])
    for name in ("new.jpg", "in/5.jpg"):
        (folder / name).unlink()
    (folder / "5.jpg").write_bytes(b"photograph 5")
    (folder / "4.jpg").write_bytes(b"photograph 4")
    (folder / "3.jpg").write_bytes(b"photograph 3")
    update()
    assert MapFile(path).whole("codes").tobytes() in before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["city.pvmap", "photographs"]


def test_a_file_that_keeps_size_and_time_is_noticed(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    update_map(path, pictures(folder), network.describer, EXACT)
    network.taken()
    old = (folder / "3.jpg").stat()
    (folder / "3.jpg").write_bytes(b"photogrAph 3")
    os.utime(folder / "3.jpg", ns=(old.st_atime_ns, old.st_mtime_ns))
    update_map(path, pictures(folder), network.describer, EXACT)
    assert network.taken() == ["3.jpg"]
    assert_is_of(path, folder)


def test_a_killed_run_goes_on_where_it_was(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    network.batches_left = 2
    with pytest.raises(KeyboardInterrupt):
        update_map(path, pictures(folder), network.describer, EXACT)
    first = network.taken()
    assert len(first) == 2 * BATCH
    # Nothing has the finished name; what there is has an unfinished one.
    assert [each.name for each in tmp_path.glob("city*")] == ["city.pvmap.unfinished"]
    # As a kill in the midst of a write leaves it.
    journal = journal_file(path)
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[-50:])
    network.batches_left = None
    assert update_map(path, pictures(folder), network.describer, EXACT).described == 9
    assert sorted(first + network.taken()) == sorted(each.name for each in folder.rglob("*.jpg"))
    assert_is_of(path, folder)
    assert not journal.exists()


@pytest.mark.parametrize("cut", [1, 5, 60, 150])
def test_what_was_half_written_is_described_again(network, folder, tmp_path, cut):
    path = tmp_path / "city.pvmap"
    network.batches_left = 2
    with pytest.raises(KeyboardInterrupt):
        update_map(path, pictures(folder), network.describer, EXACT)
    journal, network.batches_left = journal_file(path), None
    network.taken()
    journal.write_bytes(journal.read_bytes()[:-cut])
    update_map(path, pictures(folder), network.describer, EXACT)
    assert len(network.taken()) == 9 - BATCH
    assert_is_of(path, folder)


def test_descriptions_of_another_model_are_not_gone_on_with(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    network.batches_left = 2
    with pytest.raises(KeyboardInterrupt):
        update_map(path, pictures(folder), network.describer, EXACT)
    other = Network(MADE | {"model_sha256": "cd" * 32})
    update_map(path, pictures(folder), other.describer, EXACT)
    assert len(other.taken()) == 9


def test_a_journal_is_of_one_run_at_a_time(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    with (
        Journal(journal_file(path), network.describer.made_with, LENGTH) as mine,
        pytest.raises(JournalError, match=r"city\.pvmap\.unfinished is being written by another"),
    ):
        update_map(path, pictures(folder), network.describer, EXACT)
    assert mine.path == journal_file(path)


def test_a_map_that_another_run_has_just_made_is_seen(network, folder, tmp_path, monkeypatch):
    """Between the look for a map and the lock no other run may make one."""
    path, looked = tmp_path / "city.pvmap", []

    def look(self):
        if self == path and not looked:
            looked.append(self)
            with pytest.raises(JournalError, match="by another run"):
                update_map(path, pictures(folder), Network().describer, INT8)
        return os.path.exists(self)

    monkeypatch.setattr(type(path), "exists", look)
    update_map(path, pictures(folder), network.describer, EXACT)
    assert looked
    with pytest.raises(MapError, match="has the code float32, not int8"):
        update_map(path, pictures(folder), network.describer, INT8, INT8.code)


def test_a_journal_that_is_removed_is_no_other_runs(tmp_path, monkeypatch):
    """Whoever opens the file as it goes does not write to a file without a name."""
    path, opened = tmp_path / "journal", []
    first = Journal(path, "{}", LENGTH)
    first.add([("a.jpg", "1")], np.ones((1, LENGTH)))
    real = file_lock.try_lock

    def lock(file):
        if not opened:
            opened.append(file)
            first.remove()  # between the other's opening and its locking
        return real(file)

    monkeypatch.setattr(file_lock, "try_lock", lock)
    with Journal(path, "{}", LENGTH) as second:
        second.add([("b.jpg", "1")], np.ones((1, LENGTH)))
        assert ("a.jpg", "1") not in second
        assert path.exists()
        with pytest.raises(JournalError, match="by another run"):
            Journal(path, "{}", LENGTH)


def test_an_error_before_the_first_description_leaves_nothing(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    with pytest.raises(MapError, match=r"city\.pvmap: 9 photographs cannot be put into 10 lists"):
        update_map(path, pictures(folder), network.describer, wishes("int8", lists=10))
    assert not list(tmp_path.glob("city*"))
    assert network.taken() == []


def test_photographs_that_are_left_out_are_in_no_list(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    (folder / "more.jpg").write_bytes(b"broken")
    with pytest.raises(MapError, match=r"city\.pvmap: 9 photographs cannot be put into 10 lists"):
        update_map(path, pictures(folder), network.describer, wishes("int8", lists=10))
    assert not path.exists()


def test_an_error_leaves_what_another_model_has_described(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    network.batches_left = 2
    with pytest.raises(KeyboardInterrupt):
        update_map(path, pictures(folder), network.describer, EXACT)
    before = journal_file(path).read_bytes()
    other = Network(MADE | {"model_sha256": "cd" * 32})
    with pytest.raises(MapError, match="10 lists"):
        update_map(path, pictures(folder), other.describer, wishes("int8", lists=10))
    assert journal_file(path).read_bytes() == before


class FullDisk:
    """A file on a disk that takes only so many bytes more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        if not self.room:
            raise OSError(28, "No space left on device")
        written = self.file.write(content[: self.room])  # a part, as systems do
        self.room -= written
        return written


@pytest.fixture
def full_disk(monkeypatch):
    """A function: from now on files of descriptors beside maps have room for so many bytes."""
    real = journal_module._locked

    def fill(room):
        monkeypatch.setattr(journal_module, "_locked", lambda path: FullDisk(real(path), room))

    yield fill
    monkeypatch.undo()


@pytest.mark.parametrize("room", [0, 10, 150, 400, 700])
def test_a_full_disk_is_told_and_what_was_described_stays(
    network, folder, tmp_path, full_disk, monkeypatch, room
):
    path = tmp_path / "city.pvmap"
    full_disk(room)
    with pytest.raises(JournalError, match=r"city\.pvmap\.unfinished .*No space .*make room"):
        update_map(path, pictures(folder), network.describer, EXACT)
    monkeypatch.undo()
    first = network.taken()
    update_map(path, pictures(folder), network.describer, EXACT)
    # The batch that did not fit is described again.
    assert len(first) + len(network.taken()) == 9 + BATCH
    assert_is_of(path, folder)


def test_what_cannot_be_described_is_left_out(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    (folder / "6.jpg").write_bytes(b"broken")
    found = pictures(folder)
    found["gone.jpg"] = Picture(folder / "gone.jpg", (9, 9))
    found["in\\x.jpg"] = Picture(folder / "7.jpg", (9, 9))
    outcome = update_map(path, found, network.describer, EXACT)
    assert len(outcome.faults) == 3
    assert any("6.jpg is broken" in fault for fault in outcome.faults)
    assert any("backslash; rename it" in fault for fault in outcome.faults)
    assert "6.jpg" not in rows_in(path)
    for each in folder.rglob("*.jpg"):
        each.write_bytes(b"broken")
    before = path.read_bytes()
    with pytest.raises(MapError, match=r"city\.pvmap: no photograph is left"):
        update_map(path, pictures(folder), network.describer, EXACT)
    assert path.read_bytes() == before


def wishes(short, **more):
    return Wishes(code_named(short), **more)


def test_too_few_photographs_for_a_code_are_told_with_the_remedy(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    for short, message in (
        ("pq4x8", r"pq4x8: 256 centres .* from 9 descriptors; .*more photographs; .*--training"),
        ("pq64", r"pq64 is for descriptors of 64 components or more, the model's have 8"),
    ):
        with pytest.raises(MapError, match=message):
            update_map(path, pictures(folder), network.describer, wishes(short))
        assert not path.exists()


def test_a_code_may_be_learnt_from_other_photographs(network, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for number in range(40):
        (other / f"{number}.jpg").write_bytes(b"of another city %d" % number)
    (other / "0.jpg").write_bytes(b"broken")
    path, training = tmp_path / "city.pvmap", list(pictures(other).values())
    wanted = wishes("pq2x4", training=training, seed=3)
    outcome = update_map(path, pictures(folder), network.describer, wanted)
    assert len(outcome.faults) == 1
    from pocketvlad.maps.fitted_code import fit

    rows = np.array([row_of(each.path) for each in training if each.path.name != "0.jpg"])
    expected = fit(wanted.code, rows, 3).parameters()
    with PlaceMap(path) as found:
        assert found.places == 9
        for name, array in found.code.parameters().items():
            np.testing.assert_array_equal(array, expected[name])
    network.taken()
    before = path.read_bytes()
    update_map(path, pictures(folder), network.describer, wanted)  # the code stays
    assert network.taken() == []
    assert path.read_bytes() == before


def test_a_map_of_another_code_or_model_is_refused(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    update_map(path, pictures(folder), network.describer, INT8)
    before = path.read_bytes()
    (folder / "new.jpg").write_bytes(b"a new one")
    with pytest.raises(MapError, match=r"city\.pvmap has the code int8, not bits; write to"):
        update_map(path, pictures(folder), network.describer, wishes("bits"), code_named("bits"))
    other = Network(MADE | {"sizing": {"image_size": 320}})
    with pytest.raises(MapError, match=r"city\.pvmap was made from images of another size"):
        update_map(path, pictures(folder), other.describer, INT8)
    assert path.read_bytes() == before
    path.write_bytes(before[:-1])
    with pytest.raises(FormatError, match=r"city\.pvmap: "):
        update_map(path, pictures(folder), network.describer, INT8)
    assert path.read_bytes() == before[:-1]


def test_lists_come_and_go_without_a_description(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    update_map(path, pictures(folder), network.describer, EXACT)
    network.taken()
    for lists in (3, 2, None, 0):
        update_map(path, pictures(folder), network.describer, wishes("float32", lists=lists))
        with PlaceMap(path) as found:
            assert found.lists == {None: 2}.get(lists, lists)
        assert network.taken() == []
        assert_is_of(path, folder)


def test_positions_are_of_all_or_of_none(network, folder, tmp_path):
    path = tmp_path / "city.pvmap"
    at = {name: (float(n), 5e6 + n / 3) for n, name in enumerate(pictures(folder))}

    def given():
        return wishes("int8", positions=PositionWish(at))

    update_map(path, pictures(folder), network.describer, given())
    inode = path.stat().st_ino
    update_map(path, pictures(folder), network.describer, given())
    assert path.stat().st_ino == inode  # not even written

    def stored():
        with MapFile(path) as found:
            return {name: found.position(n) for n, name in enumerate(found.all_names())}

    assert stored() == at
    (folder / "3.jpg").unlink()
    update_map(path, pictures(folder), network.describer, INT8)
    del at["3.jpg"]
    assert stored() == at
    (folder / "new.jpg").write_bytes(b"a new one")
    network.taken()
    for wish in (INT8, given()):
        with pytest.raises(MapError, match=r"1 of 9 photographs have no position: new\.jpg; give"):
            update_map(path, pictures(folder), network.describer, wish)
    assert network.taken() == []  # told before anything is described
    at["new.jpg"] = (1.0, 2.0)
    update_map(path, pictures(folder), network.describer, given())
    assert stored() == at
    none = wishes("int8", positions=PositionWish(kept=False))
    update_map(path, pictures(folder), network.describer, none)
    assert set(stored().values()) == {None}
    assert network.taken() == ["new.jpg"]


def searched(folder, network):
    """(names of the folder's map, the file that it is in)"""
    with folder_map(folder, pictures(folder), network.describer) as (found, _):
        for name, row in zip(found.file.all_names(), found.file.whole("codes"), strict=True):
            np.testing.assert_array_equal(row.view("<f4"), row_of(folder / name))
        return list(found.file.all_names()), found.path


def test_a_search_keeps_its_map_in_the_folder(network, folder):
    names, path = searched(folder, network)
    assert sorted(names) == sorted(pictures(folder))
    assert path == hidden_map(folder, network.describer.made_with)
    assert len(network.taken()) == 9
    assert searched(folder, network)[1] == path
    assert network.taken() == []
    (folder / "1.jpg").unlink()
    (folder / "2.jpg").write_bytes(b"changed")
    assert "1.jpg" not in searched(folder, network)[0]
    assert network.taken() == ["2.jpg"]
    other = Network(MADE | {"model_sha256": "cd" * 32})
    assert searched(folder, other)[1] != path
    # A map that has come to this name is not taken for what it is not.
    path.write_bytes(hidden_map(folder, other.describer.made_with).read_bytes())
    searched(folder, network)
    assert len(network.taken()) == 8
    assert [each.suffix for each in folder.glob(".*")] == [".pvmap"] * 2


def test_a_search_makes_a_damaged_map_anew(network, folder):
    path = searched(folder, network)[1]
    network.taken()
    data = bytearray(path.read_bytes())
    for damaged in (data[:-1], data[:-5] + b"abcde", b"", b"PK"):
        path.write_bytes(damaged)
        with pytest.warns(PhotographWarning, match="is damaged .* made anew"):
            searched(folder, network)
        assert len(network.taken()) == 9
        assert searched(folder, network)[1] == path
        assert network.taken() == []


def test_a_search_of_a_folder_that_may_not_be_written_to(network, folder, monkeypatch):
    def fail(*_, **__):
        raise OSError(30, "Read-only file system")

    real = Journal.__init__
    monkeypatch.setattr(
        Journal, "__init__", lambda self, path, *rest: fail() if path else real(self, path, *rest)
    )
    for _ in range(2):
        with pytest.warns(PhotographWarning, match="the index is not kept: .*Read-only"):
            names, path = searched(folder, network)
        assert len(names) == len(network.taken()) == 9
        assert not list(folder.glob(".*"))
        assert not path.exists()


def test_a_search_on_a_full_disk(network, folder, monkeypatch):
    from pocketvlad.maps import folder_map as module

    real = module.write_places

    def write(path, **content):
        if path.parent == folder:
            raise OSError(28, "No space left on device")
        return real(path, **content)

    monkeypatch.setattr(module, "write_places", write)
    with pytest.warns(PhotographWarning, match="the index is not kept: .*No space left"):
        assert len(searched(folder, network)[0]) == 9
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("room", [0, 500])
def test_a_search_on_a_disk_that_fills_while_it_describes(network, folder, full_disk, room):
    full_disk(room)
    with pytest.warns(PhotographWarning, match="the index is not kept: .*No space left"):
        names, path = searched(folder, network)
    assert len(names) == 9
    assert not path.exists()  # it was elsewhere
    assert not list(folder.glob(".*"))
    assert len(network.taken()) == 9 + BATCH


def test_a_search_beside_another_one(network, folder):
    """The other is describing the same folder now."""
    file = journal_file(hidden_map(folder, network.describer.made_with))
    with Journal(file, network.describer.made_with, LENGTH):
        with pytest.warns(PhotographWarning, match="being written by another run"):
            assert len(searched(folder, network)[0]) == 9
        assert file.exists()


def test_a_search_where_no_photograph_is_left(network, folder):
    for each in folder.rglob("*.jpg"):
        each.write_bytes(b"broken")
    with folder_map(folder, pictures(folder), network.describer) as (found, faults):
        assert found is None
        assert len(faults) == 9
    assert not list(folder.glob(".*"))
