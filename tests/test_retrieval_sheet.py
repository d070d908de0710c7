"""The retrieval sheet: which queries, in which order, and how their answers are framed."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from pocketvlad.baselines.color_histogram import IDENTITY
from pocketvlad.data.dataset import Dataset
from pocketvlad.data.protocols import protocol_named
from pocketvlad.data.query import Query
from pocketvlad.report.figures.retrieval import Ranked, retrieval_sheet
from pocketvlad.report.retrieval_changes import one_a_landmark, query_changes, verdict
from pocketvlad.retrieval.evaluation import evaluate

BOX = (10.0, 10.0, 60.0, 50.0)


def query(name, good=(), ok=(), junk=()):
    return Query(name, name.rsplit("_", 1)[0], "a", BOX, good, ok, junk)


QUERIES = [query(name) for name in ("hall_1", "hall_2", "tower_1", "gate_1", "gate_2")]
BASE = {"hall_1": 50, "hall_2": 50, "tower_1": 90, "gate_1": 40, "gate_2": 60}
FIRST = {"hall_1": 52, "hall_2": 50, "tower_1": 85, "gate_1": 70, "gate_2": 60}
SECOND = {"hall_1": 50, "hall_2": 40.5, "tower_1": 30, "gate_1": 45, "gate_2": 70}


def test_broken_and_mended_queries_come_first():
    table = query_changes(QUERIES, BASE, [FIRST, SECOND])
    assert list(table["query"]) == ["tower_1", "gate_1", "gate_2", "hall_2", "hall_1"]
    assert table["change"].tolist() == pytest.approx([-60, 30, 10, -9.5, 2])
    assert list(table["outcome"]) == ["broken", "mended", "mended", "kept", "kept"]
    tower = table.iloc[0]
    assert [tower["ap_base"], tower["ap_1"], tower["ap_2"]] == pytest.approx([90, 85, 30])
    shown = one_a_landmark(table)
    assert list(shown["query"]) == ["tower_1", "gate_1", "hall_2"]


def test_a_query_that_was_not_scored_is_left_out():
    some = {name: value for name, value in BASE.items() if name != "hall_1"}
    assert "hall_1" not in list(query_changes(QUERIES, some, [FIRST])["query"])


@pytest.mark.parametrize(
    ("image", "protocol", "expected"),
    [
        ("g", "original", "good"),
        ("o", "original", "ok"),
        ("j", "original", "junk"),
        ("x", "original", "wrong"),
        ("g", "revisited", "easy"),
        ("o", "revisited", "hard"),
    ],
)
def test_verdicts(image, protocol, expected):
    found = verdict(query("q_1", ("g",), ("o",), ("j",)), image)
    assert protocol_named(protocol).word(found) == expected


def test_a_row_without_answers_is_refused(tmp_path):
    path = tmp_path / "base.json"
    path.write_text('{"average_precision": {"q_1": 0.25}, "top": {"q_1": ["a"]}}')
    assert Ranked.read(path, "base") == Ranked("base", {"q_1": 25.0}, {"q_1": ["a"]})
    path.write_text('{"average_precision": {"q_1": 0.25}}')
    with pytest.raises(ValueError, match=r"base\.json does not say what was found; delete it"):
        Ranked.read(path, "base")


def test_evaluation_keeps_the_first_ten_answers(tmp_path):
    """Pictures from black to white: those of the nearest grey come first."""
    names = [f"{level:03d}" for level in range(0, 240, 20)]
    for name in names:
        grey = np.full((70, 80, 3), int(name), np.uint8)
        Image.fromarray(grey).save(tmp_path / f"{name}.jpg", quality=100)
    query = Query("q_1", "q", "100", (0, 0, 80, 70), ("100", "120"), (), ())
    sizes = dict.fromkeys(names, (80, 70))
    dataset = Dataset("greys", "original", sizes, {}, (query,), len(names), 1)
    protocol = {
        "image_size": 80, "interpolation": "bilinear", "decoder_scaling": True,
        "query_crop": True, "box_growth": 0, "scales": [1],
    }  # fmt: skip

    def describe(batch):
        angle = batch.mean(dim=(1, 2, 3)) / 255 * np.pi / 2
        return torch.stack([angle.cos(), angle.sin()], dim=1)

    found = evaluate(describe, dataset, tmp_path, protocol, IDENTITY)
    assert found.top.keys() == {"q_1"}
    top = [abs(int(name) - 100) for name in found.top["q_1"]]
    assert top == [0, 20, 20, 40, 40, 60, 60, 80, 80, 100]
    assert found.scores["all"].average_precision["q_1"] > 0.75
    # 100 asks for 120, and the other way round.
    row = found.row(dataset)
    assert row["landmarks"] == {"q_1": "q"}
    assert row["dense_landmarks"] == {"q/100": "q", "q/120": "q"}
    assert row["dense_average_precision"].keys() == row["dense_landmarks"].keys()
    assert row["dense_map"] == pytest.approx(np.mean([*row["dense_average_precision"].values()]))


def test_a_data_set_without_dense_queries_has_no_dense_scores(tmp_path):
    """No landmark has two images."""
    Image.fromarray(np.zeros((70, 80, 3), np.uint8)).save(tmp_path / "a.jpg")
    query = Query("q_1", "q", "a", None, ("a",), (), ())
    dataset = Dataset("one", "original", {"a": (80, 70)}, {}, (query,), 1, 1)
    protocol = {
        "image_size": 80, "interpolation": "bilinear", "decoder_scaling": True,
        "query_crop": True, "box_growth": 0, "scales": [1],
    }  # fmt: skip
    found = evaluate(lambda batch: torch.ones(len(batch), 1), dataset, tmp_path, protocol, IDENTITY)
    assert found.dense is None
    row = found.row(dataset)
    assert row["average_precision"] == {"q_1": 1.0}
    assert not [key for key in row if key.startswith("dense")]


@pytest.fixture
def dataset(tmp_path):
    """Grey pictures, wide and high; the query finds one of each kind."""
    for place, name in enumerate("agojxy"):
        size = (160, 90) if place % 2 else (90, 160)
        Image.fromarray(np.full((*size, 3), 128, np.uint8)).save(tmp_path / f"{name}.jpg")
    sizes = {name: (160, 90) if n % 2 == 0 else (90, 160) for n, name in enumerate("agojxy")}
    queries = (query("tower_1", ("a", "g"), ("o",), ("j",)),)
    return Dataset("city", "original", sizes, {}, queries, 6, 1)


def sheet(dataset, folder, name, answers):
    path = folder / name
    model = Ranked("base", {"tower_1": 50.0}, {"tower_1": list(answers)})
    other = Ranked("kmeans, 8 bits", {"tower_1": 10.0}, {"tower_1": list(answers)})
    retrieval_sheet(dataset, folder, [("tower_1", "broken")], [model, other, other], "title", path)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def coloured(pixels, red, green, blue):
    """How many pixels have about this colour."""
    return int((np.abs(pixels - (red, green, blue)).max(axis=2) < 40).sum())


def test_frames_tell_right_from_wrong(dataset, tmp_path):
    right = sheet(dataset, tmp_path, "right.jpg", "gaggg")
    ok = sheet(dataset, tmp_path, "ok.jpg", "ooooo")
    wrong = sheet(dataset, tmp_path, "wrong.jpg", "xyxyx")
    blue, vermilion, yellow = (1, 115, 178), (213, 94, 0), (255, 216, 0)
    assert coloured(right, *blue) > 1.3 * coloured(ok, *blue) > 1000
    assert coloured(wrong, *vermilion) > 1000
    for pixels in (right, ok):
        assert coloured(pixels, *vermilion) == 0
    assert coloured(wrong, *blue) == 0
    # The box of the query.
    assert min(coloured(pixels, *yellow) for pixels in (right, ok, wrong)) > 100


def test_the_sheet_is_the_same_twice(dataset, tmp_path):
    for name in ("one.jpg", "two.jpg"):
        sheet(dataset, tmp_path, name, "agojx")
    assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / "two.jpg").read_bytes()


def test_a_small_database_has_fewer_answers(dataset, tmp_path):
    few = sheet(dataset, tmp_path, "few.jpg", "x")
    many = sheet(dataset, tmp_path, "many.jpg", "xxxxx")
    assert few.shape == many.shape
    assert coloured(many, 213, 94, 0) > 3 * coloured(few, 213, 94, 0)


def test_the_box_is_where_the_query_has_it(dataset, tmp_path):
    moved = dataclasses.replace(
        dataset, queries=(dataclasses.replace(dataset.queries[0], box=(100.0, 10.0, 150.0, 50.0)),)
    )
    columns = [
        np.flatnonzero(
            (np.abs(sheet(each, tmp_path, "box.jpg", "j") - (255, 216, 0)).max(axis=2) < 60).any(0)
        ).mean()
        for each in (dataset, moved)
    ]
    assert columns[1] - columns[0] > 100


def test_names_are_no_mathematics(photograph, tmp_path):
    """A name with dollars, which matplotlib would take for a formula, ends no study."""
    name = "$$_1"
    path = photograph(f"{name}.jpg")
    dataset = Dataset("city", "original", {name: (200, 150)}, {}, (query_of(name),), 1, 1)
    model = Ranked("base, $^$", {name: 50.0}, {name: [name]})
    output = tmp_path / "sheet.jpg"
    retrieval_sheet(dataset, path.parent, [(name, "kept")], [model], "$\\$ title", output)
    assert output.stat().st_size > 0


def query_of(image):
    return Query(image, image, image, BOX, (image,), (), ())
