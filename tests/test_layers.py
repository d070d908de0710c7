"""Architectures against published counts and torchvision's own networks."""

import pytest
import torch
from torch import nn
from torchvision import models

from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.backbones import (
    BACKBONES,
    LEAST_SIDE,
    alexnet,
    alexnet_torchvision,
    build_backbone,
    descriptor_channels,
    output_channels,
    vgg16,
)
from pocketvlad.networks.layer_table import backbone_costs, classifier_costs, network_costs
from pocketvlad.networks.network import RetrievalNetwork, parameter_count

# The poster's AlexNet table: (layer, parameters, multiply-adds), as printed.
POSTER = {
    "fc8": (4e6, 4e6),
    "fc7": (16e6, 16e6),
    "fc6": (37e6, 37e6),
    "conv5": (442e3, 74e6),
    "conv3": (884e3, 149e6),
    "conv2": (307e3, 223e6),
    "conv1": (35e3, 105e6),
}


def test_the_posters_alexnet_table():
    rows = {row.name: row for row in classifier_costs("alexnet")}
    for name, (parameters, multiply_adds) in POSTER.items():
        # The poster cuts its figures short (16M for 16,777,216) and counts no biases.
        assert rows[name].weights == pytest.approx(parameters, rel=0.05)
        assert rows[name].multiply_adds == pytest.approx(multiply_adds, rel=0.05)
    # conv4's 1.3M is the count without groups, its 112M multiply-adds are those with groups.
    assert 2 * rows["conv4"].weights == 1_327_104
    assert rows["conv4"].multiply_adds == 112_140_288
    assert rows["conv1"].multiply_adds == 55 * 55 * 96 * 11 * 11 * 3


@pytest.mark.parametrize(("backbone", "total"), [("alexnet", 69_479_808), ("vgg16", 149_002_048)])
def test_totals_with_64_clusters_and_4096_dimensions(backbone, total):
    architecture = Architecture(backbone, 1.0, 64, 4096)
    rows = network_costs(architecture, 224, 224)
    assert sum(row.parameters for row in rows) == total
    assert rows[-1].name == "whitening"
    with torch.device("meta"):
        assert parameter_count(RetrievalNetwork(architecture)) == total


def test_alexnet_classifier_has_the_published_61_million_parameters():
    assert sum(row.parameters for row in classifier_costs("alexnet")) == 60_965_224


@pytest.mark.parametrize(
    ("name", "theirs"), [("vgg16", models.vgg16), ("alexnet-torchvision", models.alexnet)]
)
def test_classifiers_have_torchvisions_parameters(name, theirs):
    with torch.device("meta"):
        expected = sum(p.numel() for p in theirs().parameters())
    assert sum(row.parameters for row in classifier_costs(name)) == expected


@pytest.mark.parametrize(
    ("build", "architecture"),
    [(vgg16, models.vgg16), (alexnet_torchvision, models.alexnet)],
)
def test_torchvisions_networks_are_computed_as_torchvision_does(build, architecture):
    torch.manual_seed(0)
    with torch.device("meta"):
        theirs = architecture(weights=None).features[:-2]  # without the last ReLU and pool
    theirs = theirs.to_empty(device="cpu").eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.05)
    ours = build().eval()
    convolutions = [m for m in theirs if isinstance(m, nn.Conv2d)]
    for mine, other in zip(
        (m for m in ours if isinstance(m, nn.Conv2d)), convolutions, strict=True
    ):
        mine.load_state_dict(other.state_dict())
    image = torch.randn(1, 3, 72, 96)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image))


def test_alexnet_ends_in_13_by_13_of_256_channels_before_any_relu():
    network = alexnet()
    rows, size = backbone_costs(network, 227, 227)
    assert size == (13, 13)
    assert isinstance(list(network)[-1], nn.Conv2d)
    assert [row.shape for row in rows][1] == "256 x 48 x 5 x 5"  # two groups


def test_local_response_normalisation_is_caffes():
    norm = alexnet().norm1
    x = torch.rand(1, 7, 2, 2, generator=torch.Generator().manual_seed(0)) * 100
    result = norm(x)
    # Caffe: x / (1 + alpha / n * sum of squares over n neighbours) ** beta.
    for channel in range(7):
        near = x[:, max(0, channel - 2) : channel + 3].square().sum(dim=1)
        expected = x[:, channel] / (1 + 1e-4 / 5 * near) ** 0.75
        torch.testing.assert_close(result[:, channel], expected)


def test_width_narrows_the_network():
    assert [m.out_channels for m in vgg16(0.125) if isinstance(m, nn.Conv2d)][-1] == 64
    with pytest.raises(ValueError, match="width 0 "):
        build_backbone("vgg16", 0)
    with pytest.raises(ValueError, match="resnet"):
        build_backbone("resnet")


@pytest.mark.parametrize("name", BACKBONES)
def test_the_least_side_is_enough_and_one_less_is_not(name):
    backbone = build_backbone(name, 0.05).eval()
    side = LEAST_SIDE[name]
    with torch.inference_mode():
        assert min(backbone(torch.zeros(1, 3, side, side)).shape[2:]) >= 1
        with pytest.raises(RuntimeError, match="too small"):
            backbone(torch.zeros(1, 3, side - 1, 90))


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("width", [0.03, 0.125, 0.25, 1.0])
def test_channels_of_a_backbone_are_known_before_it_is_built(name, width):
    assert descriptor_channels(name, width) == output_channels(build_backbone(name, width))
    with pytest.raises(ValueError, match="'resnet' is unknown"):
        descriptor_channels("resnet", width)
