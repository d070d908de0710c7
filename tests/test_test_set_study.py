"""A test set of one's own in a study: its jobs, its scores, and what it leaves alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml
from striped_city import write_city, write_located
from workflow_runs import ROOT, job_counts, snakemake

from pocketvlad.data.dataset import read_dataset
from pocketvlad.data.images import load_image, to_batch
from pocketvlad.networks.model import read_model
from pocketvlad.retrieval.evaluation import sizing_of

CELL = "0.01/l1-0/kmeans-5-fixed"


@pytest.fixture(scope="module")
def study(small_study):
    """The folder of the small study, with a config that has a test set beside its cities."""
    folder, _ = small_study
    write_city(folder / "data")
    write_located(folder / "data")
    config = yaml.safe_load((folder / "small.yaml").read_text())
    config["test_sets"] = {"home": "own-home", "lane": "own-lane"}
    config["datasets"]["own-lane"] = {"folder": "lane", "positions": "names"}
    config["datasets"]["own-home"] = {
        "folder": "home",
        "ground_truth": "home.csv",
        "positions": "names",
    }
    (folder / "test-set.yaml").write_text(yaml.safe_dump(config))
    yield folder
    shutil.rmtree(folder / "data")


def test_a_test_set_adds_its_own_jobs_only(study):
    found = job_counts(snakemake(study, "-n", "--configfile", "test-set.yaml"))
    assert {name: found.get(name) for name in ("link_images", "index_dataset")} == {
        "link_images": 2,
        "index_dataset": 2,
    }
    # Of both sets and directions: three states before compression, and three cells.
    assert found["evaluate_test_set"] == 2 * 2 * 6
    assert found["evaluate_histogram"] == 2
    assert found["tabulate_results"] == 1
    made = ("model", "city", "archives", "speed", "settings", "codebook")
    assert not [name for name in found if name.endswith(made)], found


@pytest.fixture(scope="module")
def scores(study):
    """The row of a cell on the test set, and the model file behind it. (Of the base model there is
    one on the other test set.) What describes the images is measured first, which the tests below
    need not know."""
    row = f"results/small/test_scores/home/vgg16/paris/seed-1/{CELL}.json"
    located = "results/small/test_scores/lane/vgg16/paris/seed-1/base.json"
    histogram = "results/small/scores/histogram/lane.json"
    asked = (row, located, histogram)
    (study / "measured.yaml").write_text("compute: {backend: measured}")
    configs = ("test-set.yaml", "measured.yaml")
    snakemake(study, "--cores", "2", *asked, "--configfile", *configs)
    model = study / "results" / "small" / "models" / "vgg16" / "paris" / "seed-1"
    yield json.loads((study / row).read_text()), model / f"{CELL}.pvlad"
    shutil.rmtree(study / "results" / "small" / "backends")


def described(study: Path, model_file: Path, role: str = "home") -> tuple[list[str], np.ndarray]:
    """All images of a test set by the decoded model, one at a time."""
    results = study / "results" / "small"
    dataset = read_dataset(results / "data" / role / "dataset.json")
    model = read_model(model_file)
    protocol = yaml.safe_load((study / "test-set.yaml").read_text())["protocol"]
    sizing = sizing_of({"interpolation": "bilinear", "decoder_scaling": False} | protocol)
    rows = []
    for name in dataset.images:
        pixels = load_image(results / "data" / role / "images" / f"{name}.jpg", sizing)
        batch = to_batch([pixels], model.preprocessing)
        rows.append(model.network(batch).detach().numpy()[0])
    return list(dataset.images), np.array(rows)


def test_the_score_is_that_of_the_decoded_model(study, scores):
    """Average precision by its definition in `original`: trapezoids, the query's own image left
    out."""
    row, model_file = scores
    names, rows = described(study, model_file)
    precision = []
    for mark in "ab":
        [query] = [place for place, name in enumerate(names) if name.endswith(f"@{mark}0")]
        order = [int(n) for n in np.argsort(-rows @ rows[query], kind="stable") if n != query]
        right = [names[n].rpartition("@")[2].startswith(mark) for n in order]
        hits = np.cumsum(right)
        after = hits / np.arange(1, len(right) + 1)
        before = np.concatenate([[1.0], after[:-1]])
        precision.append(np.sum(right * (before + after) / 2) / sum(right))
    assert row["map"] == pytest.approx(np.mean(precision), abs=1e-6)
    assert (row["test_city"], row["train_city"], row["version"]) == ("home", "paris", CELL)
    assert row["test_dataset"]["images"] == len(names) == 11


def test_recall_is_that_of_the_positions(study, scores):
    row, model_file = scores
    names, rows = described(study, model_file)
    asked = [n for n, name in enumerate(names) if name.endswith(("@a0", "@b0"))]
    others = [n for n in range(len(names)) if n not in asked]
    eastings = np.array([float(name.split("@")[1]) for name in names])
    found = []
    for query in asked:
        best = max(others, key=lambda n: float(rows[n] @ rows[query]))
        found.append(abs(eastings[best] - eastings[query]) <= 25)
    assert row["recall"]["1"] == np.mean(found)
    assert row["recall_without_positives"] == 0


def test_a_row_says_that_the_measured_backend_has_computed_it(study, scores):
    row, _ = scores
    choice = json.loads((study / "results/small/backends/vgg16.json").read_text())
    assert (
        row["computed_on"]
        == {
            "torch": "cpu",
            "onnxruntime": f"cpu, onnxruntime {onnxruntime.__version__}",
        }[choice["backend"]]
    )
    assert choice["model"] == "vgg16"
    assert choice["threads"] == 1
    assert len(choice["pictures"]) == 4
    assert 0 <= choice["difference"] <= 1e-5
    by_torch, by_runtime = (choice["milliseconds"][name] for name in ("torch", "onnxruntime"))
    assert (choice["backend"] == "onnxruntime") == (by_runtime <= 0.9 * by_torch)


def test_positions_alone_are_enough(study, scores):
    """Recall@N by its definition; and the colour histogram has it, too."""
    results = study / "results" / "small"
    row = json.loads((results / "test_scores/lane/vgg16/paris/seed-1/base.json").read_text())
    names, rows = described(study, scores[1].parents[2] / "base.safetensors", "lane")
    asked = [n for n, name in enumerate(names) if name.endswith(("@a0", "@b0", "@x0"))]
    others = [n for n in range(len(names)) if n not in asked]
    eastings = np.array([float(name.split("@")[1]) for name in names])
    for query in asked:
        order = sorted(others, key=lambda n, query=query: -float(rows[n] @ rows[query]))
        near = [abs(eastings[n] - eastings[query]) <= 25 for n in order]
        assert row["recall_first_right"][names[query]] == near.index(True) + 1
    assert "map" not in row
    assert row["test_dataset"]["queries"] == len(asked) == 3
    assert row["test_dataset"]["images"] == len(names) == 11
    histogram = json.loads((results / "scores" / "histogram" / "lane.json").read_text())
    assert list(histogram["recall_first_right"]) == list(row["recall_first_right"])


def test_the_document_says_where_a_score_lies():
    text = (ROOT / "docs" / "own-city.md").read_text()
    assert "test_scores/york/vgg16/paris/seed-1/base.json" in text
