"""Cities that the repository does not know, by config alone: docs/own-city.md, and Revisited.

The boxes of the document are what is run, on small cities of rendered pictures.
"""

import io
import json
import os
import pickle
import re
import shlex
import tarfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from few_files import write_photographs
from PIL import Image
from workflow_runs import ROOT, copy_workflow, job_counts, small_model, snakemake

from embedded_cities.city import CitySpec, write_city
from pocketvlad.cli.main import main
from pocketvlad.data.csv_ground_truth import read_csv_ground_truth
from pocketvlad.data.dataset import read_dataset
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.images import load_image
from pocketvlad.data.settings import Sizing

DOCUMENT = (ROOT / "docs" / "own-city.md").read_text()
SMALL = {"landmarks": 3, "queries": 2, "views": 7, "distractors": 6, "size": 96, "variety": 0.1}


def box(language):
    """The text of the document's only box of that kind."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.M | re.S)
    return text


def commands():
    """The words of each line of the document's commands, without the first."""
    lines = [shlex.split(line) for line in box("sh").splitlines()]
    assert all(words[0] == "snakemake" for words in lines)
    return [words[1:] for words in lines]


@pytest.fixture(scope="module", autouse=True)
def no_data_folder():
    """That of whoever runs the tests would go before the document's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("POCKETVLAD_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Archives of two small cities: style -> (images, ground truth, prefix of its query files)."""
    folder = tmp_path_factory.mktemp("rendered")
    archives = {}
    for style, prefix in (("oxford", "oxc1_"), ("paris", "")):
        images, lists = folder / f"{style}.tar", folder / f"{style}_gt.tgz"
        write_city(CitySpec(style, 5, **SMALL), images, lists)
        archives[style] = (images, lists, prefix)
    return archives


def members(archive):
    with tarfile.open(archive) as tar:
        return {m.name.split("/")[-1]: tar.extractfile(m).read() for m in tar if m.isfile()}


def write_lists_as_csv(path, queries):
    """What a person would have written; a query is junk to itself without being told."""
    rows = [
        f"{query.image}.jpg,{','.join(map(str, query.box))},{name}.jpg,{label}"
        for query in queries
        for label in ("good", "ok", "junk")
        for name in getattr(query, label)
        if name != query.image
    ]
    path.write_text("\n".join([box("csv").splitlines()[0], *rows, ""]))


@pytest.fixture(scope="module")
def own_cities(rendered, tmp_path_factory):
    """A copy of the workflow with the document's folders and its config, and what a cell printed.

    The config is config.yaml with the document's sections, as the document says, and settings that
    make it quick.
    """
    folder = copy_workflow(tmp_path_factory.mktemp("own") / "clone")
    data = folder / "photographs"
    images, lists, prefix = rendered["oxford"]
    for number, (name, jpeg) in enumerate(sorted(members(images).items())):
        path = data / "york" / ("old town" if number % 3 else ".") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        if number % 4 == 0:
            Image.open(io.BytesIO(jpeg)).save(path.with_suffix(".PNG"))
            path.unlink()
    write_lists_as_csv(data / "york.csv", read_any_ground_truth(lists, "original", prefix))
    images, lists, _ = rendered["paris"]
    for place, archive in (("bath", images), ("bath-lists", lists)):
        (data / place).mkdir()
        for name, content in members(archive).items():
            (data / place / name).write_bytes(content)
    (data / "york" / "notes.txt").write_text("no image")
    config = small_model(yaml.safe_load((folder / "config.yaml").read_text()))
    config |= yaml.safe_load(box("yaml"))
    (folder / "york.yaml").write_text(yaml.safe_dump(config))
    planned, checked, cell, everything = commands()
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    assert "-n" in planned
    assert everything == ["--cores", "2", "--configfile", "york.yaml"]
    assert job_counts(snakemake(folder, *planned))["link_images"] == 2
    snakemake(folder, *checked)
    output = snakemake(folder, *cell)
    # Neither written to nor added to.
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before
    return folder, output


def test_the_documents_csv_is_one(tmp_path):
    path = tmp_path / "york.csv"
    path.write_text(box("csv"))
    minster, walls = read_csv_ground_truth(path)
    assert (minster.landmark, minster.good, minster.ok) == (
        "minster",
        ("minster_2",),
        ("minster_5",),
    )
    assert minster.junk == ("street_3", "minster_1")
    assert (walls.landmark, walls.good) == ("walls", ("walls_1", "walls_2"))


def test_a_model_is_scored_without_a_study(few_files, capsys):
    """The document's commands; parts have the inner pixels that a study crops."""
    section = DOCUMENT.split("## Without a study\n")[1].split("\n## ")[0]
    lines = re.findall(r"^    (pocketvlad .*)$", section, re.M)
    assert len(lines) == 4
    york, parts = few_files / "photographs" / "york", few_files / "parts" / "york"
    write_photographs(york, 12)
    parts.mkdir(parents=True)
    rows = []
    for number in (0, 1):
        with Image.open(york / f"{number}.jpg") as photograph:
            photograph.crop((20, 10, 150, 115)).save(parts / f"{number}.png")
        rows += [f"{number}.jpg,20,10,150,115,{number + 2}.jpg,good"]
        own = load_image(york / f"{number}.jpg", Sizing(96), (20, 10, 150, 115))
        part = load_image(parts / f"{number}.png", Sizing(96))
        np.testing.assert_array_equal(part[1:-1, 1:-1], own[1:-1, 1:-1])
    york.with_suffix(".csv").write_text("\n".join([box("csv").splitlines()[0], *rows, ""]))
    for number, line in enumerate(lines):
        assert main(shlex.split(line)[1:]) == 0
        out = capsys.readouterr().out
        if "evaluate" in line:
            assert out.startswith("york: 12 images, 2 queries\n")
            assert ("queries are whole images" in out) == (number == 1)


def test_the_documents_cell_is_scored(own_cities, rendered):
    folder, _ = own_cities
    (file,) = (folder / "results" / "york" / "scores").rglob("*.json")
    assert str(file.relative_to(folder)) in commands()[2]
    row = json.loads(file.read_text())
    assert (row["train_city"], row["test_city"]) == ("bath", "york")
    counts = {"images": 27, "expected_images": 27, "queries": 6, "expected_queries": 6}
    assert row["test_dataset"] == {"name": "york", "protocol": "original", **counts}
    assert row["train_dataset"] == {"name": "bath", "protocol": "original", **counts}
    assert 0 < row["map"] <= 1
    assert len(row["average_precision"]) == 6
    # The same queries as in the official lists, of the same landmarks.
    images, lists, prefix = rendered["oxford"]
    official = read_any_ground_truth(lists, "original", prefix)
    dataset = read_dataset(folder / "results" / "york" / "data" / "york" / "dataset.json")
    found = {query.image: query for query in dataset.queries}
    for query in official:
        own = found[query.image]
        assert own.landmark == query.landmark
        assert own.positives == {*query.good, *query.ok} - {query.image}
        assert own.box == query.box
    assert dataset.upright
    assert set(dataset.images) == {name.removesuffix(".jpg") for name in members(images)}


def test_nothing_is_copied(own_cities):
    folder, _ = own_cities
    linked = folder / "results" / "york" / "data" / "york" / "images"
    links = sorted(linked.glob("*.jpg"))
    assert len(links) == 27
    assert all(path.is_symlink() and Path(os.readlink(path)).is_absolute() for path in links)
    assert {path.resolve().suffix for path in links} == {".jpg", ".PNG"}
    assert {path.resolve().parent.name for path in links} == {"york", "old town"}


CITY = {"link_images": 1, "index_dataset": 1}
TRAINING = {"initialise_model": 1, "train_model": 1, "prune_model": 1, "quantize_model": 1}


def write_again(path):
    path.write_bytes(path.read_bytes() + b"\n")


def remove(path):
    path.unlink()


def add(path):
    path.write_bytes(b"new")


@pytest.mark.parametrize(
    ("place", "change", "expected"),
    [
        ("york/old town/*.jpg", write_again, {**CITY, "evaluate_model": 1}),
        ("york/*.PNG", remove, {**CITY, "evaluate_model": 1}),
        ("york/new town/x.jpeg", add, {**CITY, "evaluate_model": 1}),
        ("york.csv", write_again, {"index_dataset": 1, "evaluate_model": 1}),
        ("bath/*.jpg", write_again, {**CITY, **TRAINING, "evaluate_model": 1}),
        (
            "bath-lists/*_ok.txt",
            write_again,
            {"index_dataset": 1, **TRAINING, "evaluate_model": 1},
        ),
        ("york/.hidden.jpg", add, {}),
        ("york/notes.txt", write_again, {}),  # and all else is as it was
    ],
)
def test_changes_are_noticed(own_cities, place, change, expected):
    folder, _ = own_cities
    data = folder / "photographs"
    path = next(iter(sorted(data.glob(place))), data / place)
    before = (path.read_bytes(), path.stat()) if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    change(path)
    try:
        assert job_counts(snakemake(folder, "-n", *commands()[2])) == expected
    finally:
        if before:
            path.write_bytes(before[0])
            os.utime(path, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))
        else:
            path.unlink()


def test_what_is_missing_is_told_before_any_job(own_cities):
    folder, _ = own_cities
    output = snakemake(
        folder, "-n", "--configfile", "york.yaml", "--config", "data_folder=elsewhere", check=False
    )
    for fault in (
        "datasets.york.folder: elsewhere/york is missing; correct it, `data_folder` (elsewhere)",
        "datasets.york.ground_truth: elsewhere/york.csv is missing",
        "datasets.bath.ground_truth: elsewhere/bath-lists is missing",
    ):
        assert fault in output
    assert "Job stats" not in output


def test_a_revisited_study_runs(rendered, tmp_path):
    """As with roxford5k: archives of images, a pickle of easy, hard and junk, queries outside."""
    folder = copy_workflow(tmp_path / "clone")
    data = tmp_path / "data"
    data.mkdir()
    config = small_model(yaml.safe_load((folder / "config.yaml").read_text()))
    config |= {"study": "revisited", "data_folder": str(data), "sources": {}, "datasets": {}}
    for style, (images, lists, prefix) in rendered.items():
        queries = read_any_ground_truth(lists, "original", prefix)
        outside = [query.image for query in queries]
        database = [n.removesuffix(".jpg") for n in members(images)]
        database = [name for name in database if name not in outside]
        gnd = [
            {
                "bbx": list(query.box),
                **{
                    kind: [database.index(name) for name in listed if name in database]
                    for kind, listed in (
                        ("easy", query.good),
                        ("hard", query.ok),
                        ("junk", query.junk),
                    )
                },
            }
            for query in queries
        ]
        raw = {"imlist": database, "qimlist": outside, "gnd": gnd}
        (data / f"gnd_{style}.pkl").write_bytes(pickle.dumps(raw, protocol=2))
        (data / images.name).symlink_to(images)
        for name in (images.name, f"gnd_{style}.pkl"):
            config["sources"][name] = {"urls": [f"file:{name}"]}
        config["datasets"][f"r{style}"] = {
            "protocol": "revisited",
            "images": [images.name],
            "ground_truth": [f"gnd_{style}.pkl"],
            "expected_images": 27,
            "expected_queries": 6,
        }
    config["cities"] = {"oxford": "roxford", "paris": "rparis"}
    (folder / "revisited.yaml").write_text(yaml.safe_dump(config))
    trained = "results/revisited/scores/vgg16/paris/seed-1/base.json"
    histogram = "results/revisited/scores/histogram/paris.json"
    snakemake(folder, "--cores", "2", "--configfile", "revisited.yaml", "--", trained, histogram)
    counts = {"images": 21, "expected_images": 21, "queries": 6, "expected_queries": 6}
    for file, name in ((trained, "roxford"), (histogram, "rparis")):
        row = json.loads((folder / file).read_text())
        assert row["test_dataset"] == {"name": name, "protocol": "revisited", **counts}
        assert set(row["difficulties"]) == {"easy", "medium", "hard"}
        for scores in row["difficulties"].values():
            assert set(scores) == {"map", "mp_at_1", "mp_at_5", "mp_at_10", "queries"}
        assert row["map"] == row["difficulties"]["medium"]["map"]
        assert len(row["average_precision"]) == 6
