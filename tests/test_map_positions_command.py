"""`pocketvlad index`, `search` and `inspect` of a map with positions, and of squeezed images."""

import math
import shutil

import pytest
from few_files import PLACES, place_name
from test_recall_command import degrees

import pocketvlad
from pocketvlad.cli.main import main
from pocketvlad.maps.steps import StepCoder

NAMES = [place_name(number, at) for number, at in enumerate(PLACES)]
AT = {name: (548000.0 + at[0], 4180000.0 + at[1]) for name, at in zip(NAMES, PLACES, strict=True)}
SEARCH = ("search", "small.pvlad", "a.jpg", "--top", 2, "--database")


@pytest.fixture
def run(few_files, capsys):
    def call(*words):
        status = main([str(word) for word in words])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def index(run):
    def call(folder, *words):
        return run("index", "small.pvlad", "--database", folder, "-o", "city.pvmap", *words)

    return call


def stored(file="city.pvmap"):
    model = pocketvlad.load("small.pvlad")
    return {str(each.path): each.position for each in model.search("a.jpg", file, top=99)}


def write_table(rows, head="image,easting,northing"):
    with open("p.csv", "w") as file:
        file.write("\n".join([head, *rows, ""]))


def test_positions_are_in_the_names(few_files, run, index):
    status, out, _ = index("places/database")
    assert status == 0
    assert out.endswith("int8, 0.00 MB, with positions\n")
    assert stored() == AT
    first = run(*SEARCH, "city.pvmap")[1].splitlines()[0]
    assert first.split()[2:] == [NAMES[0], "548000.0", "4180000.0"]
    assert (
        "6 places of 8 bytes (int8), with positions; all checksums"
        in run("inspect", "city.pvmap")[1]
    )
    # A new photograph has that of its name, too.
    new = place_name(6, (70, 80))
    shutil.copy("holiday/6.jpg", f"places/database/{new}")
    assert index("places/database")[0] == 0
    assert stored() == AT | {new: (548070.0, 4180080.0)}
    # One whose name says nothing is refused, in this map and in a new one.
    shutil.copy("holiday/7.jpg", "places/database/7.jpg")
    status, out, err = index("places/database")
    assert (status, out) == (1, "")
    assert "city.pvmap: 1 of 8 photographs have no position: 7.jpg; give those of all with" in err
    status, out, err = index("places/database", "-o", "new.pvmap", "--positions", "names")
    assert (status, out) == (1, "")
    assert "places/database: 1 of 8 names have no position: places/database/7.jpg; call" in err
    assert "or keep none with --positions none" in err
    # Where they are not asked for, the new map has none, and that is told.
    status, out, err = index("places/database", "-o", "new.pvmap")
    assert (status, err.count("have no position")) == (0, 1)
    assert "places/database: 1 of 8 names have no position" in err
    assert ": places/database/7.jpg; the map has none. To have them" in err
    assert out.endswith(", without positions\n")
    (few_files / "new.pvmap").unlink()
    assert stored() == AT | {new: (548070.0, 4180080.0)}
    left = [each.name for each in few_files.iterdir() if "pvmap" in each.name]
    assert sorted(left) == ["city.pvmap", "holiday.pvmap"]
    assert index("places/database", "--positions", "none")[1].endswith(", without positions\n")
    assert set(stored().values()) == {None}


def test_positions_are_in_a_table(run, index):
    write_table(f"holiday/{number}.jpg,{number}.5,-7" for number in range(12))
    assert index("holiday", "--positions", "p.csv")[0] == 0
    at = {f"{number}.jpg": (number + 0.5, -7.0) for number in range(12)}
    assert stored() == at
    assert run(*SEARCH, "city.pvmap")[1].splitlines()[0].split()[2:] == ["0.jpg", "0.5", "-7.0"]
    # They stay, also where a photograph has gone; a new one needs its row.
    shutil.move("holiday/3.jpg", "3.jpg")
    assert ", 0 described now, 1 removed" in index("holiday")[1]
    del at["3.jpg"]
    assert stored() == at
    shutil.move("3.jpg", "holiday/new.jpg")
    assert "city.pvmap: 1 of 12 photographs have no position: new.jpg; " in index("holiday")[2]
    write_table(f"{name.removesuffix('.jpg')},1,{place}" for place, name in enumerate(at))
    assert (
        "1 of 12 images of holiday have no row: holiday/new.jpg; add"
        in index("holiday", "--positions", "p.csv")[2]
    )
    assert stored() == at
    write_table([*(f"{name},1,2" for name in at), "new,1,3"])
    assert index("holiday", "--positions", "p.csv")[0] == 0
    assert stored() == dict.fromkeys(at, (1.0, 2.0)) | {"new.jpg": (1.0, 3.0)}


def test_degrees_are_converted_and_told(index):
    write_table(degrees("database", PLACES), "image,latitude,longitude")
    status, out, _ = index("places/database", "--positions", "p.csv")
    assert (status, out.splitlines()[0]) == (0, "p.csv: converted to UTM zone 10N")
    found = stored()
    for name, at in found.items():  # north of the grid is not quite north
        apart = math.dist(AT[name], AT[NAMES[0]])
        assert math.dist(at, found[NAMES[0]]) == pytest.approx(apart, abs=1)


GOOD = [f"{number}.jpg,{number},2" for number in range(12)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (GOOD[1:], "p.csv: 1 of 12 images of holiday have no row: holiday/0.jpg; add them"),
        ([*GOOD, "holiday/4,1,2"], "p.csv, line 14: holiday/4.jpg has a position already, in li"),
        (["0.jpg,1,x", *GOOD[1:]], "p.csv, line 2: northing 'x' is no finite number; write metres"),
        (["image,latitude,longitude", "0,90.5,2"], "p.csv, line 2: latitude 90.5 is out of range;"),
        (["image,latitude,longitude", "0,9,-181"], "p.csv, line 2: longitude -181 is out of range"),
        (["image,lat,lon", "0,1,2"], "p.csv has the columns image,lat,lon; write image,easting"),
    ],
)
def test_a_wrong_table_is_told_and_nothing_written(few_files, index, rows, message):
    head = rows.pop(0) if rows[0].startswith("image") else "image,easting,northing"
    write_table(rows, head)
    shutil.copy("holiday.pvmap", "city.pvmap")
    before = (few_files / "city.pvmap").read_bytes()
    status, out, err = index("holiday", "--positions", "p.csv")
    assert (status, out) == (1, "")
    assert err.startswith(f"pocketvlad index: {message}")
    assert err.count("\n") == 1
    assert (few_files / "city.pvmap").read_bytes() == before
    assert not (few_files / "city.pvmap.unfinished").exists()


def test_a_table_may_have_other_images_too(few_files, index):
    write_table([*GOOD, "12.jpg,1,2"])
    assert index("holiday", "--positions", "p.csv")[0] == 0
    assert stored() == {f"{number}.jpg": (number, 2.0) for number in range(12)}


def test_a_table_must_be_there_and_is_not_overwritten(few_files, index):
    assert "gone.csv is missing" in index("holiday", "--positions", "gone.csv")[2]
    assert "holiday: 12 of 12 names have no position" in index("holiday", "--positions", "names")[2]
    write_table(GOOD)
    text = (few_files / "p.csv").read_text()
    status, _, err = index("holiday", "--positions", "p.csv", "-o", "p.csv")
    assert status == 1
    assert "p.csv would replace what is read (positions p.csv)" in err
    assert (few_files / "p.csv").read_text() == text


def test_positions_in_python(few_files):
    model = pocketvlad.load("small.pvlad")
    write_table(GOOD)
    made = pocketvlad.index(model, "holiday", "of_table.pvmap", positions=few_files / "p.csv")
    assert (made.located, made.note) == (True, None)
    given = {f"{number}.jpg": (number, 2) for number in range(12)}
    pocketvlad.index(model, "holiday", "given.pvmap", positions=given)
    assert stored("given.pvmap") == stored("of_table.pvmap") == given
    with pytest.raises(ValueError, match=r"12 of 12 photographs have no position: 0\.jpg, 1"):
        pocketvlad.index(model, "holiday", "empty.pvmap", positions={})
    assert not pocketvlad.index(model, "holiday", "given.pvmap", positions="none").located


def test_a_map_of_squeezed_images(few_files, run, index):
    squeezed = ("--squeeze", 80, 96)
    assert index("holiday", *squeezed)[0] == 0
    status, out, _ = run(*SEARCH, "city.pvmap", *squeezed)
    assert (status, out.split()[2]) == (0, "0.jpg")
    model, size = pocketvlad.load("small.pvlad"), {"squeeze": (80, 96)}
    one, *_, other = model.describe(["a.jpg", "b.jpg"], **size)
    for database in ("holiday", "city.pvmap"):
        found = {each.path.name: each for each in model.search("a.jpg", database, top=99, **size)}
        assert found["1.jpg"].similarity == pytest.approx(float(one @ other), abs=0.02)
    before = (few_files / "city.pvmap").read_bytes()
    for words, difference in (
        ((), "squeeze [80, 96], here none"),
        (("--squeeze", 96, 80), "squeeze [80, 96], here [96, 80]"),
        (("--image-size", 50), "image_size 96, here 50; squeeze [80, 96], here none"),
    ):
        for (status, out, err), remedy in (
            (run(*SEARCH, "city.pvmap", *words), "make another map with this model"),
            (index("holiday", *words), "write to another file, or remove this one"),
        ):
            assert (status, out) == (1, "")
            assert (
                f"city.pvmap was made from images of another size ({difference}); give --squeeze "
                f"80 96, or {remedy}" in err
            )
    _, _, err = run(*SEARCH, "holiday.pvmap", *squeezed)
    assert "(squeeze none, here [80, 96]); give --image-size 96, or" in err
    assert "--squeeze 0 9: give height" in index("holiday", "--squeeze", 0, 9)[2]
    both = (*squeezed, "--image-size", 96)
    for err in (index("holiday", *both)[2], run(*SEARCH, "holiday", *both)[2]):
        assert "--image-size 96: squeeze (80, 96) has the size already; give one" in err
    assert (few_files / "city.pvmap").read_bytes() == before


def test_no_similarity_above_1_is_shown(run, index, monkeypatch):
    """What int8 decodes to may be longer than 1; Python says by how much."""
    index("holiday")
    real, drawn = StepCoder.decode, []
    monkeypatch.setattr(StepCoder, "decode", lambda self, codes: 1.01 * real(self, codes))
    monkeypatch.setattr(
        "pocketvlad.report.contact_sheet.contact_sheet", lambda _, pairs, file: drawn.extend(pairs)
    )
    [best, *_] = found = pocketvlad.load("small.pvlad").search("holiday/0.jpg", "city.pvmap")
    assert 1.005 < best.similarity < 1.02
    words = ("search", "small.pvlad", "holiday/0.jpg", "--database", "city.pvmap")
    assert run(*words)[1].splitlines()[0].split() == ["1", "1.000", "0.jpg"]
    found.draw("found.png")
    assert drawn[0] == (best.path, 1.0)
    assert drawn[1:] == [(each.path, each.similarity) for each in found[1:]]
