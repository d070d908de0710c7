"""Preprocessing belongs to the weights: it goes wherever they go, and the wrong one is caught."""

import copy
import json
import re
import shutil

import numpy as np
import pytest
import torch
from networks import architecture, random_network
from weights_files import VGG16_NUMBERS, state_of, take_any_size, vgg16_kernels

from pocketvlad.cli.main import main
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import read_contents, write_contents
from pocketvlad.format.error import FormatError
from pocketvlad.maps.described_photographs import Describer
from pocketvlad.maps.folder_map import folder_map, hidden_map
from pocketvlad.networks.model import Model, read_model, write_model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.report.rows import read_table, results_tables
from pocketvlad.report.tables.notes import starting_point, study_notes
from pocketvlad.retrieval.describe import described
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.provenance import provenance
from pocketvlad.util.checksum import file_digest

RIGHT = Preprocessing((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
WRONG = Preprocessing((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
SIZING = Sizing(64, "bilinear")
PROTOCOL = {**SIZING.as_dict(), "query_crop": True}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two models of the same weights, with the right and with a wrong preprocessing."""
    network = random_network("vgg16", 0.05, 4, 8)
    for name, bias in network.backbone.named_parameters():
        if name.endswith("bias"):  # without biases the scale of pixels would not matter
            torch.nn.init.normal_(bias)
    folder = tmp_path_factory.mktemp("models")
    paths = folder / "right.safetensors", folder / "wrong.safetensors"
    for path, preprocessing in zip(paths, (RIGHT, WRONG), strict=True):
        write_model(path, Model(network, preprocessing, {"protocol": PROTOCOL}))
    return paths


def test_it_goes_from_the_weights_into_every_file(tmp_path, monkeypatch):
    """Weights file -> initial model -> .safetensors -> .pvlad -> decoded."""
    pairs = vgg16_kernels(np.random.default_rng(0), (3, 6, 13, 26, 26))
    torch.save(state_of(VGG16_NUMBERS, pairs), tmp_path / "v.pth")
    take_any_size(monkeypatch)
    network = RetrievalNetwork(architecture("vgg16", 0.05, 4, 8)).eval()
    found = {
        source: load_initial_weights(network, source, tmp_path / "v.pth", 0)
        for source in ("vgg16-caffe", "vgg16-torchvision")
    }
    assert found == {"vgg16-caffe": RIGHT, "vgg16-torchvision": WRONG}
    path = tmp_path / "m.safetensors"
    write_model(path, Model(network, found["vgg16-torchvision"], {}))
    assert read_model(path).preprocessing == WRONG
    contents = read_contents(path)
    packed = tmp_path / "m.pvlad"
    write_compressed(packed, contents, quantize_contents(contents, "kmeans", 5))
    assert read_model(packed).preprocessing == WRONG
    assert main(["decode", str(packed), "-o", str(tmp_path / "d.safetensors")]) == 0
    assert read_model(tmp_path / "d.safetensors").preprocessing == WRONG


GARBLED = [
    None,
    {},
    {"mean": [1.0, 2.0, 3.0]},
    {"mean": "123", "std": [1.0, 1.0, 1.0]},
    {"mean": [1.0, 2.0], "std": [1.0, 1.0]},
    {"mean": [1.0, 2.0, 3.0], "std": [1.0, 0.0, 1.0]},
    {"mean": [1.0, 2.0, 3.0], "std": [1.0, -1.0, 1.0]},
    {"mean": [1.0, 2.0, float("nan")], "std": [1.0, 1.0, 1.0]},
    {"mean": [1.0, 2.0, "3"], "std": [1.0, 1.0, 1.0]},
    {"mean": [1.0, 2.0, True], "std": [1.0, 1.0, 1.0]},
    {"mean": [1.0, 2.0, 10**400], "std": [1.0, 1.0, 1.0]},
    "torchvision",
]


@pytest.mark.parametrize(
    ("suffix", "raw"),
    [
        (suffix, raw)
        for suffix in ("safetensors", "pvlad")
        for raw in GARBLED
        # No .pvlad can have numbers that are not finite as float64.
        if suffix == "safetensors" or not re.search(r"nan|\d{309}", str(raw))
    ],
)
def test_a_model_file_without_it_is_refused(files, tmp_path, raw, suffix):
    contents = read_contents(files[0])
    contents.header["preprocessing"] = raw
    if raw is None:
        del contents.header["preprocessing"]
    path = tmp_path / f"garbled.{suffix}"
    if suffix == "pvlad":
        write_compressed(path, contents, {})
    else:
        write_contents(path, contents)
    with pytest.raises(FormatError, match=rf"garbled\.{suffix} does not fit its own header: prepr"):
        read_model(path)


def test_the_wrong_one_gives_other_descriptors_of_another_provenance(files, photograph, tmp_path):
    image, stored = photograph(), []
    for number, file in enumerate(files):
        output = tmp_path / f"{number}.npz"
        assert main(["describe", str(file), str(image), "-o", str(output)]) == 0
        stored.append(np.load(output))
    right, wrong = (json.loads(each["provenance"].item()) for each in stored)
    assert Preprocessing.from_dict(right["preprocessing"]) == RIGHT
    assert Preprocessing.from_dict(wrong["preprocessing"]) == WRONG
    assert right["sizing"] == wrong["sizing"] == SIZING.as_dict()
    assert right["model_sha256"] != wrong["model_sha256"]
    assert abs(stored[0]["descriptors"] - stored[1]["descriptors"]).max() > 1e-3


def test_an_index_of_another_preprocessing_is_not_used(files, photograph, tmp_path):
    """Neither by its name nor, where somebody renames it, by what it holds."""
    folder = tmp_path / "photographs"
    pictures = {
        f"{n}.jpg": Picture(photograph(f"photographs/{n}.jpg", seed=n), (200, 150))
        for n in range(3)
    }
    seen = []

    def search(file):
        model = read_model(file)

        def rows(some):
            seen.extend(some)
            return described(model.network, some, SIZING, model.preprocessing)

        made_with = provenance(file_digest(file, "sha256"), model.preprocessing, SIZING)
        length = model.network.architecture.length
        describer = Describer(made_with, length, rows, lambda picture: None)
        with folder_map(folder, pictures, describer) as (found, _):
            stored = found.code.decode(found.file.whole("codes")).copy()
        count = len(seen)
        seen.clear()
        return stored, count, hidden_map(folder, made_with)

    right, count, right_index = search(files[0])
    assert count == 3
    assert search(files[0])[1] == 0
    wrong, count, wrong_index = search(files[1])
    assert count == 3
    assert right_index != wrong_index
    assert abs(right - wrong).max() > 1e-3
    shutil.copy(wrong_index, right_index)
    again, count, _ = search(files[0])
    assert count == 3
    np.testing.assert_array_equal(again, right)


def row(version, test_city, **more):
    """A score's row, as far as the table needs it."""
    return {
        "model": "vgg16",
        "version": version,
        "test_city": test_city,
        "map": 0.5,
        "average_precision": {"q_1": 0.25, "q_2": 0.75},
        "landmarks": {"q_1": "hall", "q_2": "gate"},
        "pruned_percent": {"total": 0.0, "backbone": 0.0, "pooling": 0.0, "projection": 0.0},
        "paper_memory_mb": 1.0,
        "file_bytes": 10,
        "bytes_by_part": {"projection": 5},
        "ratio": 1.0,
        "parameters": 10,
        "length": 8,
        "threshold_mode": "relative",
        "seed": 1,
        "protocol": PROTOCOL,
        "test_dataset": {
            "name": test_city,
            "protocol": "original",
            "images": 1,
            "queries": 1,
            "expected_images": 1,
            "expected_queries": 1,
        },
        "weights": {"source": "vgg16-caffe", "file": "v.pth"},
        "computed_on": "cpu",
        "initialise": {"pooling": "clustering", "projection": "PCA"},
        "epochs": 3,
        "preprocessing": RIGHT.as_dict(),
        **more,
    }


def test_rows_of_different_preprocessing_make_no_table():
    cities = ["oxford", "paris"]
    # As JSON gives them back.
    rows = json.loads(json.dumps([row(v, c) for v in ("base", "rd/0.1") for c in cities]))
    table, _ = results_tables(rows, cities)
    assert set(table["weights"]) == {"vgg16-caffe"}
    assert set(table["preprocessing"]) == {"mean 123.68 116.779 103.939 std 1 1 1"}
    for number in range(1, 4):
        changed = copy.deepcopy(rows)
        changed[number]["preprocessing"] = json.loads(json.dumps(WRONG.as_dict()))
        with pytest.raises(ValueError, match=r"tested on .*preprocessing .*58\.395.* found"):
            results_tables(changed, cities)


def test_a_part_without_weights_has_no_share_in_the_table(tmp_path):
    pruned = {"total": 50.0, "backbone": 50.0, "projection": 50.0}
    rows = [row("base", city, pruned_percent=pruned) for city in ("oxford", "paris")]
    table, _ = results_tables(rows, ["oxford", "paris"])
    table.to_csv(tmp_path / "table.csv", index=False)
    line = read_table(tmp_path / "table.csv").iloc[0]
    assert np.isnan(line["pruned_percent_pooling"])
    assert line["pruned_percent_backbone"] == line["pruned_percent_projection"] == 50


def test_the_same_seeds_in_another_order_are_the_same_trainings():
    cities = ["oxford", "paris"]
    rows = [row("base", city, seed=seed) for city in cities for seed in (1, 2)]
    rows += [row("rd/0.1", city, seed=seed) for city in cities for seed in (2, 1)]
    table, _ = results_tables(rows, cities)
    assert list(table["seeds"]) == ["1 2", "1 2"]


@pytest.mark.parametrize(
    ("source", "learnt", "expected"),
    [
        ("alexnet-caffe", ("clustering", "PCA"), "pooling by clustering, projection by PCA"),
        ("netvlad-pitts30k", ("netvlad-pitts30k",) * 2, "pooling and projection among them"),
    ],
)
def test_the_report_says_what_a_model_started_from(source, learnt, expected):
    initialise = dict(zip(("pooling", "projection"), learnt, strict=True))
    sentence = starting_point(
        row("base", "paris", weights={"source": source}, initialise=initialise)
    )
    assert sentence.startswith(f"vgg16 starts from {source} weights")
    assert expected in sentence


def test_the_report_says_that_nothing_was_fine_tuned():
    lite0 = {"model": "lite0", "weights": {"source": "efficientnet-lite0"}, "initialise": {}}
    said = "lite0 starts from efficientnet-lite0 weights for its backbone"
    assert starting_point(row("base", "paris", **lite0)) == f"{said}."
    lite0["epochs"] = 0
    assert starting_point(row("base", "paris", **lite0)) == f"{said}; nothing was fine-tuned."


@pytest.mark.parametrize("kind", ["images", "queries"])
def test_tables_say_that_a_part_of_the_data_is_missing(kind):
    rows = [row("base", city) for city in ("oxford", "paris")]
    part = "Only a part of the data: not comparable with published mAP."
    assert part not in study_notes(rows, ["oxford", "paris"])
    counts = rows[1]["test_dataset"]
    rows[1]["test_dataset"] = counts | {f"expected_{kind}": counts[kind] + 1}
    assert part in study_notes(rows, ["oxford", "paris"])


def test_tables_say_that_weights_are_stand_ins():
    weights = {"source": "alexnet-caffe", "file": "x.mat", "stand_in": True}
    rows = [row("base", city, weights=weights, initialise={}) for city in ("oxford", "paris")]
    notes = study_notes(rows, ["oxford", "paris"])
    assert any("rehearsal" in note for note in notes)
    assert notes[-1].startswith("vgg16 starts from stand-in alexnet-caffe weights")
    table, _ = results_tables(rows, ["oxford", "paris"])
    assert list(table["weights"]) == ["stand-in alexnet-caffe"]
    real = [row("base", city) for city in ("oxford", "paris")]
    assert not any("rehearsal" in note for note in study_notes(real, ["oxford", "paris"]))


def test_of_tensors_that_are_missing_the_first_is_named(files, tmp_path):
    """Not one or another, as the order of a set has it."""
    contents, path = read_contents(files[0]), tmp_path / "few.safetensors"
    for name in sorted(contents.tensors)[1:]:
        del contents.tensors[name], contents.labels[name]
    write_contents(path, contents)
    first = sorted(read_contents(files[0]).tensors)[1]
    with pytest.raises(FormatError, match=rf"tensor {re.escape(first)} is not in the file"):
        read_model(path)
