"""Architectures against published counts and torchvision's own networks."""

from collections import OrderedDict

import pytest
import torch
from networks import PUBLISHED, architecture, backbone
from torch import nn
from torchvision import models

from pocketvlad.networks.layer_table import layer_costs, network_costs
from pocketvlad.networks.modules.kept import kept
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


class Classifier(nn.Module):
    """A published classification network: a backbone, and what its table has beside it."""

    def __init__(self, name, side):
        super().__init__()
        features = backbone(name).build()
        pool = nn.MaxPool2d(2) if name == "vgg16" else nn.MaxPool2d(3, 2)
        incoming = nn.Sequential(features, pool, nn.Flatten())(torch.empty(1, 3, side, side))
        connected = OrderedDict(
            relu=nn.ReLU(),
            pool=pool,
            flatten=nn.Flatten(),
            fc6=nn.Linear(incoming.shape[1], 4096),
            fc7=nn.Linear(4096, 4096),
            fc8=nn.Linear(4096, 1000),
        )
        self.backbone = nn.Sequential(OrderedDict([*features.named_children(), *connected.items()]))

    def forward(self, images):
        return self.backbone(images)


def classifier_costs(name):
    """Of the network for ImageNet: Caffe's AlexNet takes 227 x 227 pixels, the others 224 x 224."""
    side = {"alexnet": 227}.get(name, 224)
    with torch.device("meta"):
        return list(layer_costs(Classifier(name, side), torch.empty(1, 3, side, side)))


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


@pytest.mark.parametrize(("name", "total"), [("alexnet", 69_479_808), ("vgg16", 149_002_048)])
def test_totals_with_64_clusters_and_4096_dimensions(name, total):
    declared = architecture(name, 1.0, 64, 4096)
    rows = network_costs(declared, 224, 224)
    assert sum(row.parameters for row in rows) == total
    assert [row.part for row in rows[-3:]] == ["backbone", "pooling", "projection"]
    assert rows[-1].name == "projection"
    with torch.device("meta"):
        assert parameter_count(RetrievalNetwork(declared)) == total


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
    ("name", "published"),
    [("vgg16", models.vgg16), ("alexnet-torchvision", models.alexnet)],
)
def test_torchvisions_networks_are_computed_as_torchvision_does(name, published):
    torch.manual_seed(0)
    with torch.device("meta"):
        theirs = published(weights=None).features[:-2]  # without the last ReLU and pool
    theirs = theirs.to_empty(device="cpu").eval()
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.05)
    ours = backbone(name).build().eval()
    convolutions = [m for m in theirs if isinstance(m, nn.Conv2d)]
    for mine, other in zip(
        (m for m in ours if isinstance(m, nn.Conv2d)), convolutions, strict=True
    ):
        mine.load_state_dict(other.state_dict())
    image = torch.randn(1, 3, 72, 96)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image))


def test_alexnet_ends_in_13_by_13_of_256_channels_before_any_relu():
    network = backbone("alexnet").build()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 227, 227)).shape == (1, 256, 13, 13)
    assert isinstance(list(network)[-1], nn.Conv2d)
    rows = network_costs(architecture("alexnet", 1.0), 227, 227)
    assert [row.shape for row in rows][1] == "256 x 48 x 5 x 5"  # two groups
    assert rows[4].multiply_adds == 13 * 13 * 256 * 192 * 3 * 3


def test_local_response_normalisation_is_caffes():
    norm = backbone("alexnet").build().norm1
    x = torch.rand(1, 7, 2, 2, generator=torch.Generator().manual_seed(0)) * 100
    result = norm(x)
    # Caffe: x / (1 + alpha / n * sum of squares over n neighbours) ** beta.
    for channel in range(7):
        near = x[:, max(0, channel - 2) : channel + 3].square().sum(dim=1)
        expected = x[:, channel] / (1 + 1e-4 / 5 * near) ** 0.75
        torch.testing.assert_close(result[:, channel], expected)


def test_width_narrows_the_network():
    narrow = backbone("vgg16", 0.125).build()
    assert [m.out_channels for m in narrow if isinstance(m, nn.Conv2d)][-1] == 64
    with pytest.raises(ValueError, match="width 0 "):
        backbone("vgg16", 0)
    with pytest.raises(ValueError, match="'resnet' is unknown"):
        backbone("resnet")


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_least_side_is_enough_and_one_less_is_not(name):
    declared = backbone(name, 0.05)
    network, side = declared.build().eval(), declared.min_side
    with torch.inference_mode():
        assert min(network(torch.zeros(1, 3, side, side)).shape[2:]) >= 1
        with pytest.raises(RuntimeError, match="too small"):
            network(torch.zeros(1, 3, side - 1, 90))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("width", [0.03, 0.125, 0.25, 1.0])
def test_channels_of_a_backbone_are_known_before_it_is_built(name, width):
    declared = backbone(name, width)
    with torch.device("meta"):
        made = declared.build()(torch.empty(1, 3, 64, 64))
    assert made.shape[1] == declared.channels


class Tokens(nn.Module):
    """Layers of a transformer, called by the names of their arguments."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.linear = nn.Linear(8, 16)

    def forward(self, maps):
        tokens = self.norm(maps.flatten(2).transpose(1, 2))
        seen, _ = self.attention(query=tokens, key=tokens, value=tokens)
        return self.linear(seen).transpose(1, 2).unflatten(2, maps.shape[2:])


class OfBackbone(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.backbone = nn.Sequential(*layers)

    def forward(self, images):
        return self.backbone(images)


@pytest.mark.parametrize("images", [1, 3])
def test_layers_of_tokens_are_counted_once_a_token(images):
    network = OfBackbone(nn.Conv2d(3, 8, 3), kept(Tokens())).eval()
    rows = {row.name: row for row in layer_costs(network, torch.zeros(images, 3, 12, 12))}
    assert list(rows) == ["0", "1.norm", "1.attention", "1.linear"]
    assert rows["1.norm"].multiply_adds == 100 * 8
    assert rows["1.linear"].multiply_adds == 100 * 8 * 16
    assert sum(row.parameters for row in rows.values()) == parameter_count(network)


def test_a_layer_that_is_called_twice_has_its_parameters_once():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    network = OfBackbone(nn.Conv2d(3, 4, 1), layer, nn.ReLU(), layer)
    rows = list(layer_costs(network, torch.zeros(1, 3, 5, 5)))
    assert [(row.name, row.parameters, row.weights, row.multiply_adds) for row in rows] == [
        ("0", 16, 12, 12 * 25),
        ("1", 148, 144, 144 * 25),
        ("1", 0, 0, 144 * 25),
    ]
