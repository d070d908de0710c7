"""Streams that are rotated, and channels that nothing reads: descriptors stay the same."""

import numpy as np
import pytest
import torch
from backbones.bottlenecks import Bottlenecks
from backbones.residual import Residual
from graphs import convolution
from networks import backbone, network_behind
from scipy.stats import ortho_group
from torch import nn

from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.rd.stream_axes import turn_streams
from pocketvlad.compression.rd.unread import clear_unread
from pocketvlad.data.images import CENTRED
from pocketvlad.networks.backbones.efficientnet_lite0 import EfficientNetLite0
from pocketvlad.networks.channels import unread_outputs
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.networks.modules.kept import kept
from pocketvlad.networks.streams import streams

IMAGES = torch.randn(3, 3, 44, 36, generator=torch.Generator().manual_seed(2))
LITE = EfficientNetLite0(width=0.25, stages=4)

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.fixture
def no_gradients():
    with torch.no_grad():
        yield


def names_of(network):
    names = {module: path for path, module in network.backbone.named_modules()}
    return [
        (sorted(names[each] for each in s.writers), sorted(names[each] for each in s.readers))
        for s in streams(network.backbone)
    ]


def test_streams_are_what_only_convolutions_write_and_read():
    # The first block adds to the stem's ReLU; the last stage's stream is pooled. Between them:
    assert names_of(network_behind(LITE)) == [
        (["stage1.0.project"], ["stage2.0.expand"]),
        (["stage2.0.project", "stage2.1.project"], ["stage2.1.expand", "stage3.0.expand"]),
        (["stage3.0.project", "stage3.1.project"], ["stage3.1.expand", "stage4.0.expand"]),
    ]
    last = ["bottlenecks.1.project", "bottlenecks.2.project"]
    assert names_of(network_behind(Bottlenecks())) == [(last, ["bottlenecks.2.expand", "last"])]


@pytest.mark.parametrize(
    "declared",
    [Residual(), Residual(norm=True), Bottlenecks(norm=True), backbone("vgg16", 0.06)],
    ids=["relu after sums", "norm", "norm of linear maps", "relu"],
)
def test_where_something_else_takes_part_there_are_none(declared):
    assert streams(network_behind(declared).backbone) == []


class Odd(nn.Module):
    """Two convolutions in turn, and something that happens between them."""

    def __init__(self, between, second=None):
        super().__init__()
        self.first, self.between = nn.Conv2d(3, 4, 3), between
        self.second = second or nn.Conv2d(4, 5, 3, padding=1)

    def forward(self, images):
        return self.second(self.between(self.first(images)))


class Shifted(nn.Module):
    def __init__(self):
        super().__init__()
        self.same = nn.Identity()

    def forward(self, maps):
        return self.same(maps) + 1


class Doubled(Shifted):
    def forward(self, maps):
        maps = self.same(maps)
        return torch.add(maps, maps) + maps.add(maps)


@pytest.mark.parametrize(
    ("between", "second", "count"),
    [
        (nn.Identity(), None, 1),
        (Doubled(), None, 1),
        (Shifted(), None, 0),
        (nn.ReLU(), None, 0),
        (nn.Identity(), nn.Conv2d(4, 4, 3, groups=2), 0),
        (nn.Identity(), nn.Conv2d(4, 5, 3, padding=1, padding_mode="reflect"), 0),
    ],
)
def test_what_may_lie_between(between, second, count):
    module = Odd(between, second)
    found = streams(module)
    assert len(found) == count
    for stream in found:
        expected = module(IMAGES)
        stream.turn(torch.from_numpy(ortho_group.rvs(4, random_state=1)), torch.rand(4) + 0.5)
        torch.testing.assert_close(module(IMAGES), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("declared", [LITE, Bottlenecks()])
def test_descriptors_stay_as_they_are_and_streams_turn(declared):
    network = network_behind(declared)
    expected, seen = network(IMAGES), {}
    found = streams(network.backbone)
    for stream in found:
        for layer in stream.readers:
            layer.register_forward_pre_hook(
                lambda module, given: seen.setdefault(module, []).append(given[0])
            )
    network(IMAGES)
    axes = []
    for stream in found:
        rotation = torch.from_numpy(ortho_group.rvs(stream.channels, random_state=1))
        axes.append((rotation, torch.logspace(-1, 1, stream.channels, dtype=torch.float64)))
        stream.turn(*axes[-1])
    torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=1e-5)
    for stream, (rotation, scales) in zip(found, axes, strict=True):
        for layer in stream.readers:
            before, after = seen[layer]
            turned = torch.einsum("ndhw,de->nehw", before.double(), rotation)
            turned *= scales[:, None, None]
            torch.testing.assert_close(after.double(), turned, rtol=1e-3, atol=1e-3)


def test_streams_lie_in_their_principal_directions_by_the_root_of_deviations():
    """The one stream has two readers; the moments are those of what both see."""
    network = network_behind(Bottlenecks())
    expected, [stream] = network(IMAGES), streams(network.backbone)
    seen = {layer: [] for layer in stream.readers}
    for layer in stream.readers:
        layer.register_forward_pre_hook(lambda module, given: seen[module].append(given[0]))
    assert turn_streams(network, IMAGES.split(2))
    del seen[stream.readers[0]][:], seen[stream.readers[1]][:]
    torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=1e-5)
    found = sum(
        np.cov(maps[0].numpy().astype(np.float64).swapaxes(0, 1).reshape(12, -1), bias=True)
        for maps in seen.values()
    )
    sizes = np.sqrt(np.diag(found))
    np.testing.assert_allclose(found / np.outer(sizes, sizes), np.eye(12), atol=1e-3)
    # Deviations are roots of what they were: of the unscaled stream, deviations 1 to 1e-4 would be
    # 1 to 1e-2 of the largest here.
    assert (np.diff(sizes) <= 1e-6 * sizes[0]).all()
    plain = network_behind(Bottlenecks())
    kept = {layer: [] for layer in streams(plain.backbone)[0].readers}
    for layer in kept:
        layer.register_forward_pre_hook(lambda module, given: kept[module].append(given[0]))
    plain(IMAGES)
    moments = sum(
        np.cov(maps[0].numpy().astype(np.float64).swapaxes(0, 1).reshape(12, -1), bias=True)
        for maps in kept.values()
    )
    deviations = np.sqrt(np.linalg.eigvalsh(moments)[::-1])
    np.testing.assert_allclose(
        sizes / sizes[0], np.sqrt(deviations / deviations[0]), rtol=1e-2, atol=1e-3
    )


def test_a_network_without_streams_stays_as_it_was():
    network = network_behind(backbone("vgg16", 0.06))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def images():
        pytest.fail("the network need not compute anything")
        yield IMAGES

    assert not turn_streams(network, images())
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())


def test_a_layer_without_bias_is_turned_as_well():
    network = network_behind(Bottlenecks())
    network.backbone.bottlenecks[1].project.bias = None
    expected = network(IMAGES)
    [stream] = streams(network.backbone)
    rotation = torch.from_numpy(ortho_group.rvs(stream.channels, random_state=1))
    stream.turn(rotation, torch.full((stream.channels,), 2.0))
    torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=1e-5)


def unread(network):
    return {path: mask.nonzero().flatten().tolist() for path, _, mask in unread_outputs(network)}


def cleared(network):
    for _, layer, mask in list(unread_outputs(network.backbone)):
        assert layer.weight[mask].any()
        layer.weight[mask] = 0
        layer.bias[mask] = 0


def test_what_makes_a_channel_that_is_not_read_is_not_needed():
    network = network_behind(Bottlenecks())
    assert unread(network.backbone) == {}
    second, third = network.backbone.bottlenecks[1:]
    third.project.weight[:, [3, 7]] = 0
    # The sum of what both blocks make is read by the last layer and by the third block.
    network.backbone.last.weight[:, 5] = 0
    assert unread(network.backbone) == {
        "bottlenecks.2.depthwise": [3, 7],
        "bottlenecks.2.expand": [3, 7],
        "bottlenecks.2.project": [5],
    }
    third.expand.weight[:, 5] = 0
    assert unread(network.backbone)["bottlenecks.1.project"] == [5]
    # Only outputs that are not needed themselves read a channel.
    third.expand.weight[3, 5] = 1
    assert unread(network.backbone)["bottlenecks.1.project"] == [5]
    third.expand.weight[4, 5] = 1
    assert "bottlenecks.1.project" not in unread(network.backbone)
    expected = network(IMAGES)
    cleared(network)
    assert torch.equal(network(IMAGES), expected)
    assert second.project.weight.any()


@pytest.mark.parametrize("declared", [LITE, Residual(), backbone("alexnet", 0.1)])
def test_descriptors_stay_as_they_are_without_what_is_not_read(declared):
    network = network_behind(declared)
    images = torch.randn(2, 3, 70, 70, generator=torch.Generator().manual_seed(2))
    layers = [each for each in network.backbone.modules() if isinstance(each, nn.Conv2d)]
    generator = torch.Generator().manual_seed(4)
    for layer in layers[1:]:
        if layer.weight.shape[1] == 1:
            continue  # that would be all that a filter of single channels reads
        layer.weight[:, torch.rand(layer.weight.shape[1], generator=generator) < 0.6] = 0
    expected = network(images)
    found = unread(network.backbone)
    assert len(found) >= 2
    cleared(network)
    torch.testing.assert_close(network(images), expected, rtol=1e-6, atol=1e-7)


def test_codes_weights_and_biases_of_what_is_not_read_are_cleared():
    network = network_behind(Bottlenecks())
    third = network.backbone.bottlenecks[2]
    third.project.weight[:, [3, 7]] = 0
    quantized = quantize_contents(to_contents(Model(network, CENTRED)), "uniform-row", 4)
    for name, weight in compressible(network):
        weight.copy_(torch.from_numpy(quantized[name].dequantize()))
    expected, before = network(IMAGES), dict(quantized)
    found = clear_unread(network, quantized)
    assert torch.equal(network(IMAGES), expected)
    assert quantized == before
    for name, weight in compressible(network):
        np.testing.assert_array_equal(found[name].dequantize(), weight.numpy())
    for own in (third.depthwise, third.expand):
        assert not own.weight[[3, 7]].any()
        assert not own.bias[[3, 7]].any()
        assert own.weight[[0, 1]].any()
    changed = {name for name in found if found[name] is not quantized[name]}
    assert changed == {f"backbone.bottlenecks.2.{own}.weight" for own in ("depthwise", "expand")}
    for name in changed:
        assert (found[name].scales[[3, 7]] == 1).all()


class Mixed(nn.Module):
    """Channels change places between two convolutions."""

    def __init__(self):
        super().__init__()
        self.first, self.second = convolution(3, 4, 3), convolution(4, 5, 3)

    def forward(self, images):
        return self.second(self.first(images).flip(1))


def test_where_channels_may_mix_all_are_needed():
    module = Mixed()
    module.second.weight[:, 2] = 0
    assert unread(module) == {}


class Adapting(nn.Module):
    """Two convolutions write a stream; `adapt`, once or twice, adds to it."""

    def __init__(self, adapt):
        super().__init__()
        self.first, self.second = convolution(3, 4, 1), convolution(4, 5, 3)
        self.adapt = adapt

    def forward(self, images):
        maps = self.first(images)
        maps = maps + self.adapt(maps)
        return self.second(maps + self.adapt(maps))


class Standardised(nn.Conv2d):
    """Not what its weights say."""

    def forward(self, maps):
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return self._conv_forward(maps, weight, self.bias)


@pytest.mark.parametrize(
    "adapt", [kept(nn.Conv2d(4, 4, 1)), Standardised(4, 4, 1)], ids=["kept", "standardised"]
)
def test_what_may_not_be_changed_is_neither_turned_nor_cleared(adapt):
    module = Adapting(adapt)
    assert streams(module) == []
    module.second.weight[:, 2] = 0
    assert unread(module) == {}


class OneForAll(nn.Module):
    """One map is added to all channels of another."""

    def __init__(self):
        super().__init__()
        self.first, self.one = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 1, 1)
        self.second = convolution(4, 5, 3)

    def forward(self, images):
        return self.second(self.first(images) + self.one(images))


def test_a_map_that_is_added_to_all_channels_makes_them_no_stream():
    assert streams(OneForAll()) == []


def test_a_map_that_is_added_to_all_channels_is_needed_while_one_of_them_is():
    module = OneForAll()
    module.second.weight[:, 1] = 0
    expected = module(IMAGES)
    for path, layer, mask in list(unread_outputs(module)):
        assert (path, mask.tolist()) == ("first", [False, True, False, False])
        layer.weight[mask], layer.bias[mask] = 0, 0
    assert torch.equal(module(IMAGES), expected)
    module.second.weight[:] = 0
    assert unread(module) == {"one": [0], "first": [0, 1, 2, 3]}
