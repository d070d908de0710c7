"""Pretraining: pictures, folded normalisation, going on after a kill, embedded weights."""

import numpy as np
import pytest
import torch
from networks import PUBLISHED
from networks import backbone as declared
from PIL import Image

from embedded_cities.buildings import BuildingsSpec, buildings, write_buildings
from embedded_cities.city import CitySpec, entries
from pocketvlad.data.images import CENTRED
from pocketvlad.format.tensor_file import read_tensors
from pocketvlad.networks.weights.buildings_file import load_backbone, write_backbone
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.study.config import embedded_weights
from pocketvlad.training.batch_norm import add_batch_norm, fold_batch_norm
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.pretraining import labelled_pictures, pretrain
from pocketvlad.training.settings import PretrainingSettings

SPEC = BuildingsSpec(seed=5, buildings=2, views=3, size=80, variety=0.4)
SETTINGS = PretrainingSettings(
    epochs=3,
    batch=4,
    learning_rate=0.01,
    weight_decay=0.02,
    image_size=67,
    crop=0.7,
    colour=0.2,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("buildings") / "pictures"
    write_buildings(SPEC, path, iter)
    return path


def test_the_pictures_of_buildings(folder):
    pictures = labelled_pictures(folder)
    assert len(pictures.paths) == 2 * SPEC.buildings * SPEC.views
    assert pictures.labels == (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)
    assert max(Image.open(pictures.paths[0]).size) == SPEC.size
    again = [jpeg for _, views in buildings(SPEC) for jpeg in views]
    assert [path.read_bytes() for path in pictures.paths] == again
    assert len(set(again)) == len(again)


def test_no_building_is_a_picture_of_the_studied_cities(folder):
    """Same seed, same style: still other buildings, and no landmark among them."""
    city = CitySpec(
        "oxford", seed=SPEC.seed, landmarks=1, queries=1, views=6, distractors=2, size=80
    )
    ours = {path.read_bytes() for path in labelled_pictures(folder).paths}
    assert not ours & {entry.picture.jpeg for entry in entries(city)}


def test_one_building_is_refused(tmp_path):
    (tmp_path / "oxford_0000").mkdir()
    with pytest.raises(ValueError, match="holds 1 building;"):
        labelled_pictures(tmp_path)


@pytest.mark.parametrize("name", PUBLISHED)
def test_folded_normalisation_computes_the_same(name):
    torch.manual_seed(1)
    network = declared(name, 0.1).build()
    plain = [type(layer) for layer in network]
    add_batch_norm(network)
    images = torch.randn(3, 3, 80, 80)
    network.train()
    with torch.no_grad():
        for layer in network.modules():  # scales and shifts as a training leaves them
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.uniform_(-2, 2)
                layer.bias.normal_()
        for _ in range(3):
            network(images)
        network.eval()
        expected = network(images)
        normalised = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert len(normalised) == plain.count(torch.nn.Conv2d)
        assert all(layer.weight.abs().max() > 0.5 for layer in normalised)
        fold_batch_norm(network)
        assert [type(layer) for layer in network] == plain
        torch.testing.assert_close(network(images), expected, rtol=1e-3, atol=1e-4)


def test_a_killed_pretraining_goes_on_to_the_same_weights(folder, tmp_path, monkeypatch):
    pictures = labelled_pictures(folder)

    def run(checkpoint):
        return pretrain(
            declared("vgg16", 0.05), pictures, SETTINGS, CENTRED, 3, checkpoint
        ).state_dict()

    whole = run(Checkpoint(tmp_path / "whole.pt", "x"))
    save = Checkpoint.save

    def save_and_die(self, state):
        save(self, state)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        run(Checkpoint(tmp_path / "killed.pt", "x"))
    monkeypatch.setattr(Checkpoint, "save", save)
    resumed = run(Checkpoint(tmp_path / "killed.pt", "x"))
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


def test_pretraining_tells_buildings_apart(folder, tmp_path):
    """The loss falls well below that of guessing among four, log 4."""
    pictures = labelled_pictures(folder)
    checkpoint = Checkpoint(tmp_path / "state.pt", "x")
    settings = PretrainingSettings(**{**vars(SETTINGS), "epochs": 25})
    pretrain(declared("alexnet", 0.1), pictures, settings, CENTRED, 3, checkpoint)
    assert checkpoint.load()["loss"] < 0.8 * np.log(4)


@pytest.mark.parametrize(("name", "width"), [("alexnet", 0.25), ("vgg16", 0.125)])
def test_the_embedded_weights_fit_their_backbones(name, width):
    backbone = declared(name, width).build()
    assert load_backbone(backbone, embedded_weights(name, width)) == CENTRED
    for key, tensor in backbone.state_dict().items():
        assert torch.isfinite(tensor).all(), key
        assert tensor.count_nonzero() > 0.9 * tensor.numel(), key


def test_weights_of_another_width_are_refused_by_name(tmp_path):
    path = tmp_path / "vgg16.safetensors"
    narrow = declared("vgg16", 0.1)
    backbone = narrow.build()
    write_backbone(path, backbone, narrow, CENTRED, {"seed": 1})
    again = narrow.build()
    assert load_backbone(again, path) == CENTRED
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor.half().float()), name
    assert read_tensors(path)[1]["backbone"] == {"type": "vgg16", "width": 0.1}
    with pytest.raises(WeightsError, match=r"vgg16\.safetensors does not hold this backbone"):
        load_backbone(declared("vgg16", 0.2).build(), path)
    with pytest.raises(WeightsError, match=r"none\.safetensors.*snakemake pretrain"):
        load_backbone(backbone, tmp_path / "none.safetensors")
