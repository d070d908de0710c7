"""`snakemake city`: a study's first city, packed with its best compressed model."""

import json
import shutil

import pandas as pd
import pytest
from workflow_runs import snakemake

import pocketvlad
from pocketvlad.report.best_cells import packed_cell

LINES = [
    ("a", "base", 9.0, 0.0, False, False),
    ("a", "rd/0.1", 0.5, -0.1, True, False),
    ("b", "rd/0.1", 0.4, 0.0, True, False),
    ("b", "rd/0.2", 0.2, 1.0, False, True),
    ("b", "rd/0.4", 0.1, 5.0, False, False),
]


@pytest.mark.parametrize(
    ("dropped", "expected"),
    [
        ([], ("b", "rd/0.1")),
        ([2], ("a", "rd/0.1")),
        ([1, 2], ("b", "rd/0.2")),
        ([1, 2, 3], ("b", "rd/0.4")),
    ],
)
def test_the_smallest_at_no_drop_is_packed_or_what_comes_nearest(dropped, expected):
    columns = ["model", "version", "file_mb", "drop_mean", "best_no_drop", "best_2_points"]
    table = pd.DataFrame(LINES, columns=columns).drop(index=dropped)
    cell = packed_cell(table)
    assert (cell["model"], cell["version"]) == expected


def test_a_studys_city_is_packed(small_study):
    folder, _ = small_study
    page = folder / "pocketvlad" / "page"
    if not page.is_dir():  # what `make page` builds
        page.mkdir()
        (page / "index.html").write_text("<p>the page</p>")
    snakemake(folder, "--cores", "2", "city", "--configfile", "small.yaml")
    packed = folder / "results" / "small" / "city"
    assert (packed / "index.html").read_bytes() == (page / "index.html").read_bytes()
    cells = list((folder / "results/small/models/vgg16/paris/seed-1").rglob("*.pvlad"))
    assert (packed / "model.pvlad").read_bytes() in [path.read_bytes() for path in cells]
    dataset = json.loads((folder / "results/small/data/oxford/dataset.json").read_text())
    query = dataset["queries"][0]
    with pocketvlad.load(packed) as city:
        assert (city.title, city.map.places, city.map.located) == ("mini-oxford", 34, True)
        names = list(city.map.names())
        best = city.search(folder / f"results/small/data/oxford/images/{query['image']}.jpg")[0]
    assert best.path.stem == query["image"]
    labels = json.loads((packed / "labels.json").read_text())
    for image in query["good"]:
        assert labels[names.index(f"{image}.jpg")] == query["landmark"].replace("_", " ")
    shutil.rmtree(packed)
