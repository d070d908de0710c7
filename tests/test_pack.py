"""Cities for a browser: what `pack` writes, what it refuses, and how `serve` shows it."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zlib
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from few_files import write_models, write_photographs
from PIL import Image
from test_city import without_torch
from workflow_runs import ROOT

import pocketvlad
from pocketvlad.cli.main import main
from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.maps.fitted_code import fit
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.place_map import PlaceMap, write_places
from pocketvlad.maps.unit_rows import unit_rows
from pocketvlad.packing import page_files
from pocketvlad.packing.city_server import city_server
from pocketvlad.packing.packed_city import facts_of
from pocketvlad.packing.place_names import PlaceNameError
from pocketvlad.packing.threshold import PARTS, PLACES, Calibration, calibrate, cut
from pocketvlad.retrieval.photograph_warning import PhotographWarning

SHELL = ("index.html", "page.js", "page.webmanifest", "ort.wasm")
LISTED = ("graph.onnx", "graph.weights.json", "model.pvlad", "map.pvmap", "labels.json")
OWN = {*LISTED, "thumbnails.json", "city.json"}


@pytest.fixture(autouse=True)
def page(tmp_path, monkeypatch):
    """In place of the built page, which needs Node.js."""
    folder = tmp_path / "built"
    folder.mkdir()
    for name in SHELL:
        (folder / name).write_text(f"{name}\n" * 100)
    monkeypatch.setattr(page_files, "PAGE", folder)
    return folder


@pytest.fixture
def labels(few_files):
    """A table that names the places of four of the twelve photographs."""
    path = few_files / "labels.csv"
    path.write_text('image,note,name\n0,x,Gate\nholiday/1.jpg,,Gate\n7.jpg,,"Hall, old"\n9,,Café\n')
    return path


def pack(capsys, *words):
    status = main(["pack", "small.pvlad", "--database", "holiday", *map(str, words)])
    return status, *capsys.readouterr()


def manifest(city="city2"):
    return json.loads(Path(city, "city.json").read_text())


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def test_a_city_has_all_that_the_page_asks_for(few_files, labels, capsys):
    status, said, _ = pack(capsys, "-o", "city2", "--labels", labels, "--title", "Old town")
    assert status == 0
    assert {path.name for path in Path("city2").iterdir()} == {*OWN, *SHELL, "thumbnails"}
    assert Path("city2", "model.pvlad").read_bytes() == Path("small.pvlad").read_bytes()
    held = manifest()
    assert (held["format"], held["title"]) == (1, "Old town")
    assert held["page"] == {
        "thumbnails": "thumbnails",
        "thumbnail_digests": "thumbnails.json",
        "labels": "labels.json",
    }
    for name, digest in held["digests"].items():
        assert digest == sha256(Path("city2", name).read_bytes()).hexdigest()
    assert held["digests"].keys() == {*LISTED, "thumbnails.json"}
    pictures = [Path(f"city2/thumbnails/{place}.jpg").read_bytes() for place in range(12)]
    listed = json.loads(Path("city2", "thumbnails.json").read_text())
    assert listed == [sha256(each).hexdigest() for each in pictures]
    for each in held["files"].values():
        assert each["bytes"] == Path("city2", each["name"]).stat().st_size
    # Names and pictures are in the order of the map: that of the paths' bytes.
    with pocketvlad.open_map("city2/map.pvmap") as places:
        names = list(places.names())
        assert places.code == "int8"
    assert names == sorted(f"{number}.jpg" for number in range(12))
    expected = {"0.jpg": "Gate", "1.jpg": "Gate", "7.jpg": "Hall, old", "9.jpg": "Café"}
    named = json.loads(Path("city2", "labels.json").read_text())
    assert named == [expected.get(name) for name in names]
    for place, name in enumerate(names):
        with (
            Image.open(f"city2/thumbnails/{place}.jpg") as small,
            Image.open(f"holiday/{name}") as own,
        ):
            assert small.size == own.size == (160, 120)  # nothing is enlarged
            difference = np.asarray(small.convert("RGB"), float) - np.asarray(own.convert("RGB"))
        assert np.abs(difference).mean() < 12
    for name in SHELL:
        assert Path("city2", name).read_text() == f"{name}\n" * 100
    assert "city2: 12 places, 12 described now, 0 removed; 4 with a name" in said
    assert not list(Path().glob(".city2*"))


def test_a_city_of_vgg16_is_searched_without_torch(few_files, capsys):
    write_models(few_files, "vgg16", 0.125)
    assert pack(capsys, "-o", "city2", "--no-page")[0] == 0
    expected = pocketvlad.load("small.pvlad").describe(["holiday/7.jpg"])
    said = without_torch("""
        import numpy as np
        import pocketvlad
        with pocketvlad.load("city2") as city:
            np.save("rows.npy", city.describe(["holiday/7.jpg"]))
            print(city.search("holiday/7.jpg", top=1)[0].path)
    """)
    np.testing.assert_allclose(np.load("rows.npy"), expected, rtol=0, atol=1e-5)
    assert said == "7.jpg\n"


def test_it_prints_what_each_part_weighs(few_files, labels, capsys):
    _, said, _ = pack(capsys, "-o", "city2", "--labels", labels)
    rows = dict(re.findall(r"^(\w+) +(\d+ +[\d,]+ +[\d,]+)$", said, re.M))
    found = {
        name: [int(each.replace(",", "")) for each in row.split()] for name, row in rows.items()
    }
    parts = {
        "model": ["model.pvlad"],
        "graph": ["graph.onnx", "graph.weights.json"],
        "map": ["map.pvmap"],
        "names": ["labels.json"],
        "thumbnails": [f"thumbnails/{place}.jpg" for place in range(12)],
        "manifest": ["city.json", "thumbnails.json"],
        "page": SHELL,
    }
    held = contents("city2")
    parts["all"] = list(held)
    for name, files in parts.items():
        count, size, gzipped = found[name]
        assert (count, size) == (len(files), sum(len(held[file]) for file in files))
        packed = sum(len(zlib.compress(held[file], 6)) + 12 for file in files)  # gzip's frame
        assert abs(gzipped - packed) <= 0.01 * packed
    assert found.keys() == parts.keys()


def test_large_photographs_turned_by_the_camera_have_small_upright_pictures(few_files):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"  # held sideways
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((800, 600)).save("holiday/wide.jpg", exif=exif)
    pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "city2")
    with Image.open("city2/thumbnails/12.jpg") as small:  # the last of the names
        assert small.size == (240, 320)
        assert not small.getexif()
    data = Path("city2/thumbnails/12.jpg").read_bytes()
    assert b"camera" not in data


def test_it_searches_as_the_model_does(few_files):
    """By the photographs as they are: the JPEG decoder halves none, whatever the model's protocol
    says."""
    model = pocketvlad.load("small.pvlad")
    model.stored.origin["protocol"]["decoder_scaling"] = True
    pocketvlad.pack(model, "holiday", "city2")
    graph = json.loads(Path("city2/graph.weights.json").read_text())
    sizing = {"image_size": 96, "interpolation": "bilinear", "decoder_scaling": False}
    assert graph["input"]["sizing"] == sizing
    plain = pocketvlad.load("small.pvlad")  # its protocol has no decoder_scaling
    expected = plain.search("holiday/7.jpg", "holiday", top=12)
    with pocketvlad.load("city2") as city:
        assert city.map.provenance["sizing"] == sizing
        found = city.search("holiday/7.jpg", top=12)
        assert city.threshold == manifest()["calibration"]["threshold"]
    assert [each.path.name for each in found] == [each.path.name for each in expected]
    np.testing.assert_allclose(
        [each.similarity for each in found], [each.similarity for each in expected], atol=0.02
    )


def test_images_are_as_large_as_is_asked_for(few_files):
    """In place of a squeeze, too, with which the model was evaluated."""
    model = pocketvlad.load("small.pvlad")
    model.stored.origin["protocol"]["squeeze"] = [72, 96]
    for size, expected in (
        (None, {"image_size": 96, "squeeze": [72, 96]}),
        (80, {"image_size": 80}),
    ):
        pocketvlad.pack(model, "holiday", "city2", image_size=size, page=False)
        with pocketvlad.load("city2") as city:
            other = {"interpolation": "bilinear", "decoder_scaling": False}
            assert city.map.provenance["sizing"] == {**expected, **other}


def test_the_same_command_describes_only_what_is_new(few_files, labels, capsys):
    words = ("-o", "city2", "--labels", labels)
    pack(capsys, *words)
    before = contents("city2")
    stamp = Path("city2/thumbnails/3.jpg").read_bytes()
    _, said, _ = pack(capsys, *words)
    assert "12 places, 0 described now, 0 removed" in said
    assert contents("city2") == before
    # 10.jpg goes, so that places behind it have other numbers, and one comes.
    Path("holiday/10.jpg").unlink()
    write_photographs(few_files / "more", 13)
    shutil.move("more/12.jpg", "holiday/12.jpg")
    _, said, _ = pack(capsys, *words)
    assert "12 places, 1 described now, 1 removed" in said
    after = contents("city2")
    with pocketvlad.open_map("city2/map.pvmap") as places:
        names = list(places.names())
    assert names[2:4] == ["11.jpg", "12.jpg"]
    assert after["thumbnails/2.jpg"] == stamp
    assert after["city.json"] != before["city.json"]  # by which browsers notice


def rewrite(name, change):
    """A JSON file of the city, as somebody has edited it."""
    path = Path("city2", name)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


DAMAGE = {
    "thumbnail": lambda: Path("city2/thumbnails/3.jpg").write_bytes(b"no picture"),
    "another's thumbnail": lambda: shutil.copy("city2/thumbnails/4.jpg", "city2/thumbnails/3.jpg"),
    "digest": lambda: rewrite("thumbnails.json", lambda listed: listed.__setitem__(3, "0" * 64)),
    "list": lambda: Path("city2/thumbnails.json").write_text("{"),
    "no list": lambda: Path("city2/thumbnails.json").unlink(),
    "digest of the list": lambda: rewrite("city.json", lambda held: held.pop("digests")),
    "digests": lambda: rewrite("city.json", lambda held: held.update(digests=3)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_thumbnail_that_is_not_the_listed_one_is_made_anew(few_files, damage):
    model = pocketvlad.load("small.pvlad")
    pocketvlad.pack(model, "holiday", "city2", page=False)
    before = contents("city2")
    DAMAGE[damage]()
    pocketvlad.pack(model, "holiday", "city2", page=False)
    assert contents("city2") == before


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.update(more=1),
        lambda made: made.pop("kept"),
        lambda made: made.clear(),
        lambda made: made.update(threshold="0.5"),
        lambda made: made.update(threshold=float("nan")),
        lambda made: made.update(threshold=7),
        lambda made: made.update(queries=0),
        lambda made: made.update(queries=12.0),
        lambda made: made.update(rule=["own places"]),
    ],
)
def test_a_calibration_that_is_none_is_made_anew(few_files, change):
    model = pocketvlad.load("small.pvlad")
    made = pocketvlad.pack(model, "holiday", "city2", page=False).calibration
    before = contents("city2")
    rewrite("city.json", lambda held: change(held["calibration"]))
    assert pocketvlad.pack(model, "holiday", "city2", page=False).calibration == made
    assert contents("city2") == before


def test_a_photograph_that_stays_is_not_decoded_again(few_files, capsys, monkeypatch):
    pack(capsys, "-o", "city2")
    monkeypatch.setattr("pocketvlad.packing.thumbnails.load_image", None)
    status, _, _ = pack(capsys, "-o", "city2")
    assert status == 0


def test_another_model_or_code_describes_all_again(few_files, capsys):
    pack(capsys, "-o", "city2")
    _, said, _ = pack(capsys, "-o", "city2", "--code", "float16")
    assert "12 described now" in said
    _, said, _ = pack(capsys, "-o", "city2")  # its code stays
    assert "0 described now" in said
    _, said, _ = pack(capsys, "-o", "city2", "--image-size", "80")
    assert "12 described now" in said
    with pocketvlad.load("city2") as city:
        assert city.map.code == "float16"
        assert city.map.provenance["sizing"]["image_size"] == 80


def test_positions_of_a_table_and_the_code_outlive_another_model(few_files):
    """And a run with others that was ended does not decide."""
    model = pocketvlad.load("small.pvlad")
    at = {f"{number}.jpg": (float(number), 10.0 * number) for number in range(12)}
    pocketvlad.pack(model, "holiday", "city2", positions=at, code="float16", page=False)
    left = Path(".city2.unfinished")
    left.mkdir()
    wrong = dict.fromkeys(at, (0.0, 0.0))
    pocketvlad.index(model, "holiday", left / "map.pvmap", positions=wrong, code="bits")
    made = pocketvlad.pack(model, "holiday", "city2", image_size=80, page=False)
    assert (made.index.described, made.index.code) == (12, "float16")
    with PlaceMap(Path("city2/map.pvmap")) as places:
        assert places.file.positions_by_name() == at
    made = pocketvlad.pack(model, "holiday", "city2", positions="none", page=False)
    assert not made.index.located


def test_positions_are_kept_as_index_takes_them(few_files):
    model = pocketvlad.load("small.pvlad")
    made = pocketvlad.pack(model, "places/database", "city2")
    assert made.index.located
    with pocketvlad.load("city2") as city:
        assert city.search("a.jpg", top=1)[0].position == (548000.0, 4180000.0)
    assert not pocketvlad.pack(model, "places/database", "city2", positions="none").index.located


def test_what_cannot_be_read_is_left_out(few_files):
    Path("holiday/3.jpg").write_bytes(b"no picture")
    model = pocketvlad.load("small.pvlad")
    with pytest.warns(PhotographWarning, match=r"3\.jpg"):
        made = pocketvlad.pack(model, "holiday", "city2", labels={"3.jpg": "Gate", "4": "Hall"})
    assert (made.index.places, made.named) == (11, 1)
    assert len(list(Path("city2/thumbnails").iterdir())) == 11


def expected_threshold(rows, groups):
    """By the definition: every photograph that has others of its place, against every other."""
    own, others = [], []
    for number, group in enumerate(groups):
        same = [k for k, other in enumerate(groups) if other == group and k != number]
        different = [k for k, other in enumerate(groups) if other != group]
        if same:
            own.append(max(rows[number] @ rows[k] for k in same))
            others.append(max(rows[number] @ rows[k] for k in different))
    own, others = np.array(own), np.array(others)
    tried = np.linspace(-1, 1, 20001)
    errors = [(own < each).mean() + (others >= each).mean() for each in tried]
    return own, others, min(errors)


def test_the_threshold_tells_own_places_from_others(few_files):
    """Each picture twice, the second a little brighter: one place."""
    for path in list(Path("holiday").iterdir()):
        brighter = np.asarray(Image.open(path)).astype(int) * 0.97 + 6
        Image.fromarray(brighter.astype(np.uint8)).save(f"holiday/{path.stem}b.jpg", quality=95)
    model = pocketvlad.load("small.pvlad")
    named = {path.name: path.stem.rstrip("b") for path in Path("holiday").iterdir()}
    made = pocketvlad.pack(model, "holiday", "city2", labels=named, code="float16").calibration
    names = sorted(named)
    rows = model.describe([f"holiday/{name}" for name in names])
    own, others, least = expected_threshold(rows, [named[name] for name in names])
    assert made.rule == PLACES
    assert made.queries == 24
    assert made.own == pytest.approx(np.median(own), abs=2e-3)
    assert made.others == pytest.approx(np.median(others), abs=2e-3)
    found = (own < made.threshold).mean() + (others >= made.threshold).mean()
    assert found == pytest.approx(least, abs=0.05)
    assert made.kept == pytest.approx((own >= made.threshold).mean(), abs=0.05)
    assert made.mistaken == pytest.approx((others >= made.threshold).mean(), abs=0.05)
    held = manifest()
    assert held["threshold"] == held["calibration"]["threshold"] == made.threshold


def test_without_places_of_two_photographs_parts_are_asked_for(few_files):
    made = pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "city2").calibration
    assert (made.rule, made.queries) == (PARTS, 48)
    assert 0 < made.others < 1
    assert made.kept > made.mistaken


@pytest.mark.parametrize(
    ("kept", "mistaken", "poorly"), [(0.6, 0.51, True), (0.51, 0.09, False), (0.27, 0.11, True)]
)
def test_a_threshold_that_separates_poorly_is_told(kept, mistaken, poorly):
    words = Calibration(0.5, PLACES, 40, 0.6, 0.5, kept, mistaken).words
    assert (
        words.endswith(
            "less than 25 points apart, so it separates poorly: that a place is "
            "known, or is not, says little"
        )
        == poorly
    )
    assert words.startswith("a place is known from a similarity of 0.500 on (own places, 40 que")


def test_another_seed_asks_for_other_parts_of_a_city_that_is_there(few_files):
    model = pocketvlad.load("small.pvlad")
    first = pocketvlad.pack(model, "holiday", "city2", seed=1).calibration
    other = pocketvlad.pack(model, "holiday", "city2", seed=2).calibration
    assert other != first
    assert other == pocketvlad.pack(model, "holiday", "city3", seed=2).calibration


def test_one_place_has_no_threshold(few_files):
    for path in Path("holiday").iterdir():
        if path.name != "0.jpg":
            path.unlink()
    made = pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "city2")
    assert made.calibration is None
    assert manifest()["threshold"] is None
    assert "no two places that similarities tell apart" in made.summary
    assert ": 1 place, 1 described now, 0 removed" in made.summary


def test_names_that_similarities_do_not_tell_apart_have_no_threshold(few_files):
    """Each picture twice, and each of a pair under another name: others are always more alike."""
    for path in list(Path("holiday").iterdir()):
        shutil.copy(path, f"holiday/{path.stem}b.jpg")
    names = {f"{number}.jpg": f"place {number}" for number in range(12)}
    names |= {f"{number}b.jpg": f"place {(number + 1) % 12}" for number in range(12)}
    made = pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "city2", labels=names)
    assert made.calibration is None
    assert manifest()["threshold"] is None
    assert "no two places that similarities tell apart" in made.summary


def test_a_threshold_is_a_similarity_that_cities_may_have(tmp_path):
    """Though the rounding of a code makes pictures that are nearly one more alike than 1."""
    above = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        row = generator.normal(size=8)
        two = unit_rows((row + 0.01 * generator.normal(size=(2, 8))).astype(np.float32))
        rows = np.repeat(two, 2, axis=0)
        code = fit(code_named("int8"), rows, 0)
        names = [f"{number}.jpg" for number in range(4)]
        codes = code.encode(rows)
        above += (rows @ code.decode(codes).T > 1).any()
        path = tmp_path / f"{seed}.pvmap"
        write_places(path, names=names, codes=codes, code=code, made_with="{}")
        with PlaceMap(path) as places:
            found = calibrate(places, list, ["A", "A", "B", "B"], rows.__getitem__, 1, 0)
        if found:
            assert found.threshold <= 1
            assert found.kept > found.mistaken
    assert above


@pytest.mark.parametrize("seed", range(5))
def test_no_other_cut_errs_less(seed):
    generator = np.random.default_rng(seed)
    own = generator.normal(0.6, 0.2, 30).round(2)
    others = generator.normal(0.4, 0.2, 20).round(2)
    tried = [*np.linspace(-1, 2, 30001), cut(own, others)]
    errors = [(own < each).mean() + (others >= each).mean() for each in tried]
    assert errors[-1] == pytest.approx(min(errors))


WRONG_LABELS = {
    "image,name\nnone.jpg,Gate\n": r"labels\.csv, line 2: none\.jpg is no image of holiday",
    "image,name\nother/0.jpg,Gate\n": r"line 2: other/0\.jpg is no image of holiday",
    "image,name\n0,Gate\n0.jpg,Hall\n": r"line 3: 0\.jpg has the name Gate already .*line 2\)",
    "image,name\n0,\n": "line 2: a name is empty",
    "image,name\n\n": r"labels\.csv has no rows: no place has a name",
    "image,place\n0,Gate\n": "has the columns image,place; write image,name",
    "image;name\n0;Gate\n": "write image,name, each once, separated by commas, not by semicolons",
    "image,name\n0,Hall, old\n": "line 2: 3 cells, 2 expected .* quotes",
    "image,name\n4,Gate\n": r"line 2: 4 may be any of 4\.jpg, more/4\.png",
}


@pytest.mark.parametrize("table", WRONG_LABELS)
def test_wrong_labels_are_told_before_anything_is_made(few_files, capsys, table):
    if "4,Gate" in table:
        Path("holiday/more").mkdir()
        Image.open("holiday/4.jpg").save("holiday/more/4.png")
    Path("labels.csv").write_text(table)
    status, _, error = pack(capsys, "-o", "city2", "--labels", "labels.csv")
    assert status == 1
    assert re.search(WRONG_LABELS[table], error)
    assert error.count("\n") == 1
    assert not list(Path().glob("*city2*"))


@pytest.mark.parametrize("labels", [{"0": 5}, {"0": None}, {"0": float("nan")}, {0: "Gate"}])
def test_names_are_texts(few_files, labels):
    """The page takes no others."""
    with pytest.raises(PlaceNameError, match=r"labels, 0: \w+ is no text; write an image and its"):
        pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", "city2", labels=labels)
    assert not Path("city2").exists()


def something_else(city):
    city.mkdir()
    (city / "letter.txt").write_text("dear")


def with_more(city):
    pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", city)
    (city / "letter.txt").write_text("dear")


def with_a_file_among_thumbnails(city):
    pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", city)
    (city / "thumbnails" / "07.jpg").write_text("mine")


def with_a_folder_among_thumbnails(city):
    pocketvlad.pack(pocketvlad.load("small.pvlad"), "holiday", city)
    (city / "thumbnails" / "20.jpg").mkdir()
    (city / "thumbnails" / "20.jpg" / "letter.txt").write_text("dear")


REFUSED = {
    "something else": (something_else, "city2", "is no city that `pack` has written"),
    "another's city": (lambda city: None, "city", "is no city that `pack` has written"),
    "a letter in it": (with_more, "city2", r"letter\.txt is nothing that `pack` has written"),
    "a file among thumbnails": (
        with_a_file_among_thumbnails,
        "city2",
        r"thumbnails/07\.jpg is nothing that `pack` has written",
    ),
    "a folder among thumbnails": (
        with_a_folder_among_thumbnails,
        "city2",
        r"thumbnails/20\.jpg is nothing that `pack` has written",
    ),
    "a file": (lambda city: city.touch(), "city2", "is no folder"),
    "no parent": (lambda city: None, "none/city2", "there is no folder"),
    "in the database": (lambda city: None, "holiday/city2", "lies in holiday, the photographs"),
    "the database": (lambda city: None, "holiday", "lies in holiday, the photographs"),
    "around the database": (lambda city: None, ".", "holds holiday, the photographs"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_of_others_is_replaced(few_files, capsys, case):
    prepare, output, message = REFUSED[case]
    prepare(few_files / "city2")
    before = contents(few_files)
    capsys.readouterr()
    status, _, error = pack(capsys, "-o", output)
    assert status == 1
    assert re.search(message, error)
    assert contents(few_files) == before


def test_a_missing_page_is_told_or_left_out(few_files, capsys, page):
    shutil.rmtree(page)
    status, _, error = pack(capsys, "-o", "city2")
    assert status == 1
    assert "make page" in error
    assert "--no-page" in error
    assert not Path("city2").exists()
    status, said, _ = pack(capsys, "-o", "city2", "--no-page")
    assert status == 0
    assert said.endswith("\nto search it: pocketvlad search city2 PHOTOGRAPH\n")
    assert {path.name for path in Path("city2").iterdir()} == {*OWN, "thumbnails"}
    assert main(["serve", "city2"]) == 1
    assert "packed without the page" in capsys.readouterr().err


def test_a_model_that_is_not_compressed_is_refused(few_files, capsys):
    status = main(["pack", "base.safetensors", "--database", "holiday", "-o", "city2"])
    assert status == 1
    assert "pocketvlad compress" in capsys.readouterr().err


def test_a_model_that_is_too_large_for_the_page_is_refused(few_files, capsys, monkeypatch):
    with open_compressed(Path("small.pvlad")) as model:
        weights = sum(int(np.prod(layer.shape)) for layer in model.layers)
    monkeypatch.setattr("pocketvlad.api.packing.MOST_WEIGHTS", weights - 1)
    status, _, error = pack(capsys, "-o", "city2")
    assert status == 1
    assert f"has {weights:,} weights, and the page takes {weights - 1:,} at most" in error
    assert "--no-page" in error
    assert not Path("city2").exists()
    status, _, _ = pack(capsys, "-o", "city2", "--no-page")
    assert status == 0
    monkeypatch.setattr("pocketvlad.api.packing.MOST_WEIGHTS", weights)
    status, _, _ = pack(capsys, "-o", "city3")
    assert status == 0


def test_images_that_are_too_large_for_the_page_are_refused(few_files, capsys):
    size = str(page_files.MOST_PIXELS + 1)
    status, _, error = pack(capsys, "-o", "city2", "--image-size", size)
    assert status == 1
    assert f"--image-size {size}: the page takes 8192 pixels at most" in error
    assert not Path("city2").exists()


def test_a_folder_whose_name_is_no_text_is_a_city(few_files, capsys):
    folder = os.fsdecode(b"caf\xe9")
    status, _, error = pack(capsys, "-o", folder, "--no-page")
    assert status == 0, error
    with pocketvlad.load(folder) as city:
        assert city.title == "caf\\xe9"


def test_a_page_that_is_built_anew_is_another_one(tmp_path, monkeypatch):
    monkeypatch.setattr(page_files, "PAGE", tmp_path / "page")
    assert page_files.page_state() == ""
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("one")
    (tmp_path / "page" / "worker.js").write_text("a")
    states = [page_files.page_state()]
    (tmp_path / "page" / "worker.js").write_text("b")
    states += [page_files.page_state()] * 2
    assert len(set(states)) == 2


def test_pack_and_page_have_the_same_bounds():
    source = (ROOT / "page" / "src" / "city" / "recogniser.js").read_text()
    [found] = re.findall(r"^const MOST_WEIGHTS = 2 \*\* (\d+);$", source, re.M)
    assert 2 ** int(found) == page_files.MOST_WEIGHTS
    source = (ROOT / "page" / "src" / "city" / "city.js").read_text()
    assert f"isWhole(sizing.image_size, 1, {page_files.MOST_PIXELS})" in source


def test_a_city_of_the_workflow_is_packed_again_by_hand(few_files, capsys):
    """Snakemake leaves a file of its own in the folder."""
    pack(capsys, "-o", "city2")
    Path("city2/.snakemake_timestamp").touch()
    status, said, _ = pack(capsys, "-o", "city2")
    assert status == 0
    assert "0 described now" in said
    Path("city2/.git").mkdir()
    status, _, error = pack(capsys, "-o", "city2")
    assert (status, ".git is nothing that" in error) == (1, True)


def test_an_error_leaves_the_old_city_and_the_new_map(few_files, capsys, monkeypatch):
    """Of a city that fails at its end nothing is described again."""
    pack(capsys, "-o", "city2")
    before = contents("city2")
    write_photographs(few_files / "more", 13)
    shutil.move("more/12.jpg", "holiday/12.jpg")

    def fail(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("pocketvlad.api.packing._write_manifest", fail)
        status, _, error = pack(capsys, "-o", "city2")
    assert (status, "the disk is full" in error) == (1, True)
    assert contents("city2") == before
    assert {path.name for path in Path(".city2.unfinished").iterdir()} == {"map.pvmap"}
    _, said, _ = pack(capsys, "-o", "city2")
    assert "13 places, 0 described now" in said
    assert not list(Path().glob(".city2*"))


def test_what_a_study_says_of_the_model_is_there_with_the_city(few_files, monkeypatch):
    """A kill after the city has its name must not lose it."""
    given = pocketvlad.load("small.pvlad"), "holiday", "city2"
    facts, rename, found = {"name": "vgg16"}, Path.rename, []

    def look(path, name):
        found.append(dict(facts_of(path)))
        return rename(path, name)

    monkeypatch.setattr(Path, "rename", look)
    pocketvlad.pack(*given, page=False, facts=facts)
    assert facts in found
    assert facts_of(Path("city2")) == facts
    pocketvlad.pack(*given, page=False)
    assert facts_of(Path("city2")) == {}


def test_a_kill_between_the_two_names_is_mended(few_files, capsys):
    pack(capsys, "-o", "city2")
    before = contents("city2")
    os.rename("city2", ".city2.before")
    pack(capsys, "-o", "city2")
    assert contents("city2") == before
    assert not list(Path().glob(".city2*"))


@contextmanager
def serving(city):
    """The process of `serve`, and the address that it says."""
    code = "import sys; from pocketvlad.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", city, "--port", "0"]
    # Where the tests run in the background, a shell has told them to ignore Ctrl-C.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process, re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
    finally:
        process.kill()
        process.communicate()


def fetched(address):
    """(status, type, content)"""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, None, b""


TYPES = {
    "": "text/html",
    "index.html": "text/html",
    "page.js": "text/javascript",
    "page.webmanifest": "application/manifest+json",
    "ort.wasm": "application/wasm",
    "city.json": "application/json",
    "map.pvmap": "application/octet-stream",
    "model.pvlad": "application/octet-stream",
    "graph.onnx": "application/octet-stream",
    "thumbnails/0.jpg": "image/jpeg",
}


def test_serve_shows_the_folder_and_nothing_else(few_files, capsys):
    pack(capsys, "-o", "city2")
    Path("city2", ".hidden").write_text("secret")
    Path("city2", "way-out").symlink_to(few_files / "labels.csv")
    Path("labels.csv").write_text("secret")
    with serving("city2") as (process, address):
        for name, kind in TYPES.items():
            status, found, content = fetched(address + name)
            assert (status, found) == (200, kind)
            assert content == Path("city2", name or "index.html").read_bytes()
        for name in (
            "none",
            "thumbnails/",
            ".hidden",
            "way-out",
            "../labels.csv",
            "%2e%2e/labels.csv",
            "%00",
            "%ed%a0%80",
        ):
            assert fetched(address + name)[0] == 404, name
        with urllib.request.urlopen(address) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
        taken = address.rsplit(":")[-1].strip("/")
        assert main(["serve", "city2", "--port", taken]) == 1
        told = f"--port {taken}: Address already in use; give another, or 0 for any that is free\n"
        assert capsys.readouterr().err.endswith(told)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (0, "")


@pytest.mark.parametrize("words", [(), ("--no-page",)])
def test_the_command_that_pack_prints_can_be_run(few_files, capsys, words):
    """Whatever the city is called."""
    said = pack(capsys, "-o", "our city's", *words)[1].splitlines()[-1]
    _, verb, city, *photograph = shlex.split(said.partition(": ")[2])
    assert (verb, city) == ("search" if words else "serve", "our city's")
    if words:
        assert photograph == ["PHOTOGRAPH"]
        assert main([verb, city, "a.jpg"]) == 0
    else:
        assert main([verb, city, "--port", "-1"]) == 1
        assert "--port -1" in capsys.readouterr().err  # all but the port was right


def test_serving_takes_no_torch(few_files):
    said = without_torch("""
        from pocketvlad.cli.main import main
        from pocketvlad.packing.city_server import address, city_server
        from pathlib import Path
        with city_server(Path("city"), 0) as server:
            print(address(server)[:17])
        main(["serve", "city"])
        print(sys.modules["torch"])
    """)
    assert said.splitlines() == ["http://127.0.0.1:", "None"]


def test_a_visitor_who_leaves_in_the_middle_of_a_file_is_no_fault(tmp_path, capfd):
    (tmp_path / "large.bin").write_bytes(bytes(1 << 25))  # more than lies ready on the way
    with city_server(tmp_path, 0) as server:
        with socket.create_connection(server.server_address) as visitor:
            visitor.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
            request, place = server.get_request()
            # A reset, not an end.
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.process_request_thread(request, place)
    assert capfd.readouterr().err == ""


def test_an_older_city_that_was_put_back_is_seen_at_once(tmp_path):
    """A browser asks whether a file is newer than its own, by dates of whole seconds."""
    file = tmp_path / "city.json"
    file.write_text("new")
    with city_server(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/city.json"
        with urllib.request.urlopen(address) as answer:
            known = answer.headers["Last-Modified"]
        file.write_text("old")
        os.utime(file, (1e9, 1e9))
        asked = urllib.request.Request(address, headers={"If-Modified-Since": known})
        with urllib.request.urlopen(asked) as answer:
            assert answer.read() == b"old"
        server.shutdown()


NO_CITIES = {
    "none": "is missing",
    "holiday": "is no city",
    "small.pvlad": "small.pvlad is no city; pack the city again",
    "none/city.json": "none is no city",
}


@pytest.mark.parametrize(("city", "message"), NO_CITIES.items())
def test_serve_takes_cities_alone(few_files, capsys, city, message):
    assert main(["serve", city]) == 1
    assert message in capsys.readouterr().err


def test_serve_takes_a_manifest_too(few_files, capsys):
    """As `search` does."""
    pack(capsys, "-o", "city2")
    with serving("city2/city.json") as (_, address):
        assert fetched(address)[2] == Path("city2", "index.html").read_bytes()


def test_the_port_is_a_number_that_there_is(few_files, capsys):
    pack(capsys, "-o", "city2")
    assert main(["serve", "city2", "--port", "70000"]) == 1
    assert "--port 70000" in capsys.readouterr().err
