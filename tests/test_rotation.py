"""Features turned by a rotation: the same descriptors, or the same distances."""

import numpy as np
import pytest
import torch
from backbones.bottlenecks import Bottlenecks
from networks import backbone
from scipy.stats import ortho_group
from torch import nn

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.networks.rotation import is_rotatable, last_convolution, rotate_features

NETVLAD = {"type": "netvlad", "clusters": 3}
IMAGES = torch.randn(5, 3, 48, 40, generator=torch.Generator().manual_seed(2))

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.fixture
def no_gradients():
    with torch.no_grad():
        yield


def built(pooling, projection, declared=None):
    architecture = Architecture(
        declared or backbone("vgg16", 0.06),
        declared_part(Part.POOLING, pooling),
        declared_part(Part.PROJECTION, projection),
    )
    torch.manual_seed(0)
    network = RetrievalNetwork(architecture).eval()
    initialise_randomly(network.backbone, 0)
    for name, parameter in network.backbone.named_parameters():
        if name.endswith("bias"):
            parameter.normal_(0, 0.3)
    return network


def rotation_of(network, seed=3):
    size = network.architecture.backbone.channels
    return torch.from_numpy(ortho_group.rvs(size, random_state=seed)).float()


def state_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def changed(before, network):
    return {n for n, tensor in network.state_dict().items() if not torch.equal(tensor, before[n])}


@pytest.mark.parametrize(
    ("pooling", "projection", "moved"),
    [
        (NETVLAD, "pca-whitening", {"pooling.assignment", "pooling.centres"}),
        (NETVLAD, "linear", {"pooling.assignment", "pooling.centres"}),
        ({"type": "mean"}, "linear", set()),
    ],
)
def test_descriptors_stay_as_they_are(pooling, projection, moved):
    network = built(pooling, {"type": projection, "length": 8})
    rotation, expected = rotation_of(network), network(IMAGES)
    features, before = network.features(IMAGES), state_of(network)
    rotate_features(network, rotation)
    turned = torch.einsum("ndhw,de->nehw", features, rotation)
    torch.testing.assert_close(network.features(IMAGES), turned, rtol=1e-4, atol=1e-4)
    assert (turned - features).abs().max() > 0.1
    torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=1e-5)
    last = {f"backbone.conv5_3.{own}" for own in ("weight", "bias")}
    assert changed(before, network) == last | moved | {"projection.weight"}


def test_weights_are_rounded_once_when_they_are_stored():
    """Products of single precision would be off by several units in the last place."""
    network = built(NETVLAD, {"type": "linear", "length": 8})
    rotation = rotation_of(network)
    given = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    rotate_features(network, rotation)
    turn = rotation.double().numpy()
    by_cluster = given["projection.weight"].reshape(8, -1, 3)
    for name, expected in {
        "backbone.conv5_3.weight": np.tensordot(turn.T, given["backbone.conv5_3.weight"], 1),
        "backbone.conv5_3.bias": turn.T @ given["backbone.conv5_3.bias"],
        "pooling.assignment": given["pooling.assignment"] @ turn,
        "pooling.centres": given["pooling.centres"] @ turn,
        "projection.weight": np.stack([turn.T @ row for row in by_cluster]).reshape(8, -1),
    }.items():
        found = network.state_dict()[name].numpy()
        # 2^-24 of each number, and what the sum of float64 is off by where it is all but zero.
        np.testing.assert_allclose(found, expected, rtol=6e-8, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("pooling", [NETVLAD, {"type": "mean"}])
def test_without_projection_distances_stay_as_they_are(pooling):
    network = built(pooling, {"type": "none"})
    before = network(IMAGES)
    rotate_features(network, rotation_of(network))
    after = network(IMAGES)
    assert (after - before).abs().max() > 0.01
    torch.testing.assert_close(after.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(after @ after.t(), before @ before.t(), rtol=0, atol=1e-5)


def test_one_rotation_after_another_is_their_product_and_its_inverse_undoes_it():
    network = built(NETVLAD, {"type": "pca-whitening", "length": 8})
    rotation, before = rotation_of(network), state_of(network)
    rotate_features(network, rotation)
    rotate_features(network, rotation.t())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=1e-5, atol=1e-5)


def test_a_layer_without_bias_is_turned_as_well():
    network = built(NETVLAD, {"type": "linear", "length": 8}, Bottlenecks(norm=True))
    network.backbone.last.bias = None
    assert last_convolution(network) is network.backbone.last
    expected = network(IMAGES)
    rotate_features(network, rotation_of(network))
    torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=1e-5)
    assert network.backbone.last.bias is None


@pytest.mark.parametrize(
    ("pooling", "name"),
    [({"type": "gem", "exponent": 3.0}, "GeM"), ({"type": "abs-mean"}, "AbsMean")],
)
@pytest.mark.parametrize("projection", [{"type": "none"}, {"type": "linear", "length": 4}])
def test_poolings_of_single_channels_refuse_and_nothing_is_changed(pooling, name, projection):
    network = built(pooling, projection)
    before = state_of(network)
    with pytest.raises(ValueError, match=rf"{name} depends on the axes of the features"):
        rotate_features(network, rotation_of(network))
    assert changed(before, network) == set()


@pytest.mark.parametrize(
    ("pooling", "projection", "declared", "expected"),
    [
        (NETVLAD, "linear", None, True),
        ({"type": "mean"}, "linear", None, True),
        ({"type": "gem", "exponent": 3.0}, "linear", None, False),
        ({"type": "abs-mean"}, "linear", None, False),
        (NETVLAD, "none", None, False),  # descriptors would turn
        (NETVLAD, "linear", backbone("alexnet", 0.1), False),  # ends in two groups
    ],
)
def test_what_can_be_rotated_says_so(pooling, projection, declared, expected):
    section = {"type": projection} if projection == "none" else {"type": projection, "length": 4}
    network = built(pooling, section, declared)
    assert is_rotatable(network) is expected
    if projection != "none":
        rotation = rotation_of(network)
        if expected:
            rotate_features(network, rotation)
        else:
            with pytest.raises(ValueError, match=r"rotat"):
                rotate_features(network, rotation)


@pytest.mark.parametrize("by", ["module", "function"])
def test_a_backbone_that_ends_in_a_relu_refuses(by):
    class Ends(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner, self.relu = inner, nn.ReLU()

        def forward(self, images):
            maps = self.inner(images)
            return self.relu(maps) if by == "module" else torch.relu(maps)

    network = built(NETVLAD, {"type": "linear", "length": 8})
    network.backbone = Ends(network.backbone)
    before = state_of(network)
    with pytest.raises(ValueError, match=r"the backbone ends in .*relu.*, not in a convolution"):
        rotate_features(network, rotation_of(network))
    assert changed(before, network) == set()


def test_a_convolution_of_several_groups_refuses():
    """Channels of one group cannot take in inputs of another."""
    network = built(NETVLAD, {"type": "linear", "length": 8}, backbone("alexnet", 0.1))
    assert network.backbone.conv5.groups == 2
    images = torch.randn(2, 3, 70, 70)
    before, expected = state_of(network), network(images)
    with pytest.raises(ValueError, match="groups"):
        rotate_features(network, rotation_of(network))
    assert changed(before, network) == set()
    assert torch.equal(network(images), expected)
