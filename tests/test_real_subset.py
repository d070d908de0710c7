"""The study on a few dozen real photographs with the real ImageNet weights."""

import tarfile

import pandas as pd
import pytest
import torch
import yaml
from networks import architecture
from workflow_runs import OFFICIAL, copy_workflow, snakemake

from pocketvlad.data.ground_truth import read_ground_truth
from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.backbones.vgg16 import VGG16
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.networks.weights.state_dict_file import load_convolutions, read_state_dict
from pocketvlad.networks.weights.torchvision_file import CAFFE_FEATURES

PREFIX = {"oxford": "oxc1_", "paris": ""}
POSITIVES, OTHERS = 4, 8  # photographs a landmark, and of no landmark


def choose_images(lists, names):
    """The query images, a few positives of each landmark, and a few images of none."""
    shown = {name for query in lists for name in (*query.good, *query.ok, *query.junk)}
    chosen = {query.image for query in lists}
    for query in lists:
        there = [name for name in (*query.good, *query.ok) if name in names]
        chosen.update(there[:POSITIVES])
    chosen.update([name for name in sorted(names) if name not in shown][:OTHERS])
    return chosen & names


@pytest.fixture(scope="module")
def few_photographs(real_data, tmp_path_factory):
    """A folder like the real subset's, with a few dozen of its photographs."""
    folder = tmp_path_factory.mktemp("photographs")
    for city, prefix in PREFIX.items():
        with tarfile.open(real_data / f"{city}_gt.tgz") as tar:
            tar.extractall(folder / city, filter="data")
        lists = read_ground_truth(folder / city, prefix)
        (folder / f"{city}_gt.tgz").symlink_to((real_data / f"{city}_gt.tgz").resolve())
        with (
            tarfile.open(real_data / f"{city}_images.tar") as source,
            tarfile.open(folder / f"{city}_images.tar", "w") as target,
        ):
            members = {m.name.split("/")[-1].removesuffix(".jpg"): m for m in source if m.isfile()}
            for name in sorted(choose_images(lists, members.keys())):
                target.addfile(members[name], source.extractfile(members[name]))
    weights = "vgg16_features.pth"
    (folder / weights).symlink_to((real_data / weights).resolve())
    return folder


def test_the_study_runs_on_photographs(few_photographs, tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETVLAD_DATA", str(few_photographs))
    folder = copy_workflow(tmp_path / "clone")
    config = yaml.safe_load((folder / "config" / "subset.yaml").read_text())
    sources = yaml.safe_load((folder / OFFICIAL / "sources.yaml").read_text())["sources"]
    for city in ("oxford", "paris"):
        del sources[f"{city}_images.tar"]["checksum"]  # the archive has fewer images
    (folder / OFFICIAL / "sources.yaml").write_text(yaml.safe_dump({"sources": sources}))
    config["seeds"] = [1]
    config["protocol"]["image_size"] = 96
    config["models"]["vgg16"]["pooling"]["clusters"] = 8
    config["models"]["vgg16"]["projection"]["length"] = 16
    config["initialise"] |= {"locals_per_image": 10, "projection_samples": 40}
    config["training"] |= {"epochs": 1, "tuples": 4, "image_size": 67, "pool": 12}
    config["validation"] |= {"images": 5, "queries": 5}
    config["pruning"]["rounds"] = 1
    config["recovery"] |= {"crops": 4, "crops_per_step": 2, "image_size": 67}
    # At full width, refitting the convolutions takes a minute whatever the number of crops.
    few = {"crops": 0, "projection_crops": 4}
    config["recovery"]["reconstruction"] |= few
    block = {"thresholds": ["0.005"], "quantizers": ["kmeans"], "bits": [8]}
    config["grid"] = [config["grid"][0] | block]
    del config["rd"]  # at full width it takes minutes whatever the number of crops
    del config["rivals"]  # which name cells of the whole grid
    # Narrow descriptors have no room for the study's own codes; `rd`'s cells are not made.
    config["map"] = {"cells": [], "codes": ["int8", "bits", "pq4+int8"]}
    (folder / "few.yaml").write_text(yaml.safe_dump(config))
    results = folder / "results" / "subset"
    # Figures and cards are made of the same files as those of drawn cities.
    made = [f"results/subset/{name}" for name in ("table.csv", "table.md", "map.csv")]
    snakemake(folder, "--cores", "2", "--configfile", "few.yaml", "--", *made)
    table = pd.read_csv(results / "table.csv", keep_default_na=False)
    assert list(table["bits"]) == [32, 8]
    assert (table["queries_oxford"] == 33).all()
    assert (table["queries_paris"] == 6).all()
    # ImageNet's features tell these buildings apart; chance would give about 10.
    assert (table.loc[0, ["map_oxford", "map_paris"]] > 40).all()
    coded = pd.read_csv(results / "map.csv")
    assert list(coded["code"]) == ["float32", "int8", "bits", "pq4+int8"]
    report = (results / "table.md").read_text()
    assert "of 5063 images, 33 of 55 queries" in report
    assert "not comparable with published mAP" in report


def test_the_weights_are_read_and_refused_by_name(real_data):
    path = real_data / "vgg16_features.pth"
    network = RetrievalNetwork(architecture("vgg16", 1.0, 2, 4))
    preprocessing = load_initial_weights(network, "vgg16-caffe", path, seed=0)
    assert preprocessing == Preprocessing((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
    last = torch.load(path, weights_only=True)["features.28.weight"]
    torch.testing.assert_close(network.backbone.conv5_3.weight.detach(), last)
    narrow, state = VGG16(width=0.5), read_state_dict(path)
    backbone = narrow.build()
    with pytest.raises(WeightsError, match=r"layer conv1_1.*\(64, 3, 3, 3\) found, \(32, "):
        load_convolutions(CAFFE_FEATURES, narrow, backbone, state, path)
