"""`snakemake city`: a study's first city, packed with its best compressed model."""

import json
import re
import shutil

import pandas as pd
import pytest
from workflow_runs import job_counts, snakemake

import pocketvlad
from pocketvlad.format.error import FormatError
from pocketvlad.report.best_cells import packed_cell
from pocketvlad.report.city_note import city_note
from pocketvlad.report.rows import read_table

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
    cell = packed_cell(read_table(folder / "results" / "small" / "table.csv"))
    facts = json.loads((packed / "city.json").read_text())["study"]
    assert facts["name"] == "vgg16"
    assert facts["training_city"] == "paris"
    assert facts["drop"].startswith(f"{cell['dense_drop_mean']:.1f} [")
    labels = json.loads((packed / "labels.json").read_text())
    for image in query["good"]:
        assert labels[names.index(f"{image}.jpg")] == query["landmark"].replace("_", " ")
    # The report is to tell of it; until now it said how to make one.
    note = folder / "results" / "small" / "city_fragment.html"
    assert "make city" in note.read_text()
    options = ("-n", "results/small/city_fragment.html", "--configfile", "small.yaml")
    assert job_counts(snakemake(folder, *options)) == {"tell_city": 1}
    assert f"trained on paris; drop of its cell: {facts['drop']}" in city_note(packed.parent)
    shutil.rmtree(packed)


def test_the_report_tells_what_a_city_weighs(few_files):
    assert "make city" in city_note(few_files / "holiday")  # in which there is none
    files = {"model": ["model.pvlad"], "map": ["map.pvmap"]}
    files["graph"] = ["graph.onnx", "graph.weights.json"]
    megabytes = {
        part: sum((few_files / "city" / name).stat().st_size for name in names) / 1e6
        for part, names in files.items()
    }
    megabytes["together"] = sum(megabytes.values())
    manifest = few_files / "city" / "city.json"
    facts = {"name": "a&b", "recipe": "rd", "training_city": "paris"}
    facts["drop"] = "0.4 [0.0, 0.7] points"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "study": facts}))
    note = city_note(few_files)
    rows = re.findall(r'<th scope="row">(\w+)</th><td>([\d.]+)</td>', note)
    assert dict(rows) == {part: f"{each:.2f}" for part, each in megabytes.items()}
    assert '<a href="city/index.html">' in note
    assert f"<pre>pocketvlad serve {few_files / 'city'}</pre>" in note
    assert "Holiday, 12 pictures. Its model is a&amp;b, rd, trained on paris" in note
    assert "0.4 [0.0, 0.7] points" in note
    with pocketvlad.load("city") as city:  # which passes over the facts
        assert city.title == "Holiday"
    spaced = few_files / "my study"
    spaced.mkdir()
    (few_files / "city").rename(spaced / "city")
    assert f"<pre>pocketvlad serve '{spaced / 'city'}'</pre>" in city_note(spaced)
    (spaced / "city").rename(few_files / "city")
    (few_files / "city" / "map.pvmap").unlink()
    with pytest.raises(FormatError, match=r"map\.pvmap is missing .* pack the city again"):
        city_note(few_files)
