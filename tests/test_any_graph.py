"""Labels, files, pruning, refitting, rounding and tables on backbones that are no chains."""

import copy
import functools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from backbones.bottlenecks import Bottlenecks
from backbones.residual import Residual
from graphs import with_statistics
from networks import copy_of
from scipy.fft import dctn, idctn
from torch import nn

from pocketvlad.compression.paired_layers import paired_convolutions
from pocketvlad.compression.prune import cutoffs, prune_below, pruned_percent, zero_masks
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.reconstruction import reconstruct
from pocketvlad.compression.settings import ReconstructionSettings
from pocketvlad.data.city_crops import crop_batches
from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.compressed_file import open_compressed, read_compressed, write_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.format.roles import Part, Role
from pocketvlad.networks import backbones
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.backbones.efficientnet_lite0 import EfficientNetLite0
from pocketvlad.networks.backbones.resnet18 import ResNet18
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.graph import Graph
from pocketvlad.networks.labels import UnknownRoleError, compressible, labelled_tensors
from pocketvlad.networks.layer_table import layer_costs, network_costs
from pocketvlad.networks.model import Model, read_model, to_contents, write_model
from pocketvlad.networks.modules.kept import kept
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.batch_norm import add_batch_norm, fold_batch_norm
from pocketvlad.training.distillation import descriptor_distance
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import InitialisationSettings

PREPROCESSING = Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
STATISTICS = ("weight", "bias", "running_mean", "running_var")
KINDS = {
    "residual": Residual(),
    "residual, normalised": Residual(norm=True),
    "bottlenecks": Bottlenecks(),
    "bottlenecks, normalised": Bottlenecks(norm=True),
}
PUBLISHED = {
    "efficientnet-lite0": EfficientNetLite0(width=0.25, stages=3),
    "resnet18": ResNet18(width=0.125, stages=3),
}
ALL = KINDS | PUBLISHED


def declared(backbone, pooling=None, projection=None):
    pooling = pooling or {"type": "netvlad", "clusters": 3}
    projection = projection or {"type": "pca-whitening", "length": 8}
    return Architecture(
        backbone,
        declared_part(Part.POOLING, pooling),
        declared_part(Part.PROJECTION, projection),
    )


def built(backbone, **others):
    torch.manual_seed(0)
    network = RetrievalNetwork(declared(backbone, **others))
    with_statistics(network.backbone)
    return network.eval()


@pytest.fixture(params=ALL)
def network(request):
    return built(ALL[request.param])


def normalisations(network):
    return {n: m for n, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)}


def test_every_tensor_has_a_label_and_statistics_are_no_weights(network):
    labels = {name: label for name, _, label in labelled_tensors(network)}
    stored = {n: t for n, t in network.state_dict().items() if not n.endswith("batches_tracked")}
    assert labels.keys() == stored.keys()
    assert all(tensor is not None for _, tensor, _ in labelled_tensors(network))
    other = {f"{name}.{own}" for name in normalisations(network) for own in STATISTICS}
    assert {name for name, label in labels.items() if label.role is Role.OTHER} == other
    modules = dict(network.named_modules())
    for name, label in labels.items():
        path, _, own = name.rpartition(".")
        assert label.part == name.partition(".")[0]
        if isinstance(modules[path], nn.Conv2d):
            assert label.role is {"weight": Role.CONVOLUTION, "bias": Role.BIAS}[own]
    convolutions = {n for n, m in modules.items() if isinstance(m, nn.Conv2d)}
    weights = {"pooling.assignment", "pooling.centres", "projection.weight"}
    assert {n for n, _ in compressible(network)} == {f"{n}.weight" for n in convolutions} | weights


def test_pruning_leaves_statistics_alone(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    prune_below(network, cutoffs(network, "relative-row", 0.01, 1.04))
    weights = {name: weight.detach().numpy() for name, weight in compressible(network)}
    for name, tensor in network.state_dict().items():
        if name not in weights:
            assert torch.equal(tensor, before[name]), name
    percent = pruned_percent(network)
    for key in [*weights, "backbone", "pooling", "projection", "total"]:
        own = [w.ravel() for n, w in weights.items() if key in (n, n.partition(".")[0], "total")]
        assert percent[key] == pytest.approx(100 * (np.concatenate(own) == 0).mean()), key
        assert percent[key] > 20


@pytest.fixture
def declared_by_files(monkeypatch):
    """The tests' backbones are types like any other."""
    folder = str(Path(__file__).parent / "backbones")
    monkeypatch.setattr(backbones, "__path__", [*backbones.__path__, folder])
    yield
    for name in ("residual", "bottlenecks"):
        sys.modules.pop(f"{backbones.__name__}.{name}", None)


@pytest.mark.usefixtures("declared_by_files")
@pytest.mark.parametrize("small", ["float16", "float32"])
def test_files_hold_what_was_written(tmp_path, network, small):
    prune_below(network, cutoffs(network, "relative", 0.01, 0.65))
    plain, path = tmp_path / "m.safetensors", tmp_path / "m.pvlad"
    write_model(plain, Model(network, PREPROCESSING, {"city": "none"}))
    contents = read_contents(plain)
    expected = to_contents(Model(network, PREPROCESSING, {"city": "none"}))
    assert contents.header == json.loads(json.dumps(expected.header))
    assert contents.labels == expected.labels
    assert list(contents.tensors) == list(expected.tensors)
    quantized = quantize_contents(contents, "kmeans-row", 5)
    assert set(quantized) == {name for name, _ in compressible(network)}
    write_compressed(path, contents, quantized, small)
    found = read_compressed(path)
    assert (found.labels, found.header) == (contents.labels, contents.header)
    for name, tensor in contents.tensors.items():
        if name in quantized:
            tensor = quantized[name].dequantize()
        elif small == "float16" and contents.labels[name].role is Role.BIAS:
            tensor = tensor.astype(np.float16).astype(np.float32)
        assert found.tensors[name].tobytes() == tensor.tobytes(), name
    # A network is built from either file, and describes as one filled by hand.
    images = torch.randn(2, 3, 24, 20)
    with torch.no_grad():
        torch.testing.assert_close(read_model(plain).network(images), network(images))
        missing, unexpected = network.load_state_dict(
            {name: torch.from_numpy(tensor) for name, tensor in found.tensors.items()}, strict=False
        )
        assert not unexpected
        assert all(name.endswith("num_batches_tracked") for name in missing)
        torch.testing.assert_close(read_model(path).network(images), network(images))


def seen_by(network, layer, batches):
    """([n, C, H, W] inputs, outputs) of one layer by batch, as its forward hook sees them."""
    seen = []
    handle = layer.register_forward_hook(lambda _, given, made: seen.append((given[0], made)))
    for batch in batches:
        network.backbone(batch)
    handle.remove()
    return tuple(zip(*seen, strict=True))


def called(network, batch):
    """The convolutions of a backbone, in the order in which their forward hooks are called."""
    found, handles = [], []
    for path, module in network.backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            hook = functools.partial(lambda own, *_: found.append(own), path)
            handles.append(module.register_forward_hook(hook))
    network.backbone(batch)
    for handle in handles:
        handle.remove()
    return found


@torch.no_grad()
def test_a_walk_shows_each_layer_what_hooks_see_there(network):
    """Also once layers before it have been changed by whoever took them."""
    teacher = copy_of(network)
    generator = torch.Generator().manual_seed(5)
    batches = [torch.randn(2, 3, 36, 28, generator=generator) for _ in range(3)]
    features, names = [], []
    for pair in paired_convolutions(network, teacher, batches, 10**9, "layers", features):
        names.append(pair.name)
        assert pair.layer.weight is dict(network.named_parameters())[pair.name]
        assert pair.original.weight is dict(teacher.named_parameters())[pair.name]
        given, _ = seen_by(network, pair.layer, batches)
        _, wanted = seen_by(teacher, pair.original, batches)
        for found, expected in ((pair.given, given), (pair.wanted, wanted)):
            assert len(found) == len(batches)
            assert all(map(torch.equal, found, expected)), pair.name
        nn.init.normal_(pair.layer.weight, std=0.2, generator=generator)
    assert names == [f"backbone.{path}.weight" for path in called(network, batches[0])]
    for (own, original), batch in zip(features, batches, strict=True):
        assert torch.equal(own, network.features(batch))
        assert torch.equal(original, teacher.features(batch))
        assert not torch.equal(own, original)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["residual, normalised", "bottlenecks"])
def test_a_walk_that_needs_fewer_batches_shows_the_first_of_them(kind):
    network = built(KINDS[kind])
    teacher = copy_of(network)
    generator = torch.Generator().manual_seed(5)
    batches = [torch.randn(2, 3, 36, 28, generator=generator) for _ in range(4)]
    features, counts = [], []
    # 256 places an image at most: two batches where maps are large, all where they are small.
    for pair in paired_convolutions(network, teacher, batches, 800, "layers", features):
        counts.append(len(pair.given))
        given, _ = seen_by(network, pair.layer, batches[: counts[-1]])
        _, wanted = seen_by(teacher, pair.original, batches[: counts[-1]])
        assert all(map(torch.equal, pair.given, given)), pair.name
        assert all(map(torch.equal, pair.wanted, wanted)), pair.name
        nn.init.normal_(pair.layer.weight, std=0.2, generator=generator)
    assert counts == sorted(counts)
    assert counts[0] == 2
    for (own, original), batch in zip(features, batches, strict=True):
        assert torch.equal(own, network.features(batch))
        assert torch.equal(original, teacher.features(batch))


CROPS = CropSettings(crops=0, batch=4, image_size=32, crop=0.8, colour=0.2)
EVERYWHERE = ReconstructionSettings(
    crops=6, patches=10**9, iterations=80, projection_crops=0, projection_iterations=1
)

CROPS_SEEN = replace(CROPS, crops=EVERYWHERE.crops)


def patches(maps, layer, group):
    """[P, C kh kw] What one group of a convolution sees at each place, image after image, row
    after row: cut out by numpy."""
    size, stride = layer.kernel_size, layer.stride
    channels = layer.in_channels // layer.groups
    own = maps[:, group * channels : (group + 1) * channels].numpy().astype(np.float64)
    pads = [(0, 0), (0, 0), *((pad, pad) for pad in layer.padding)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(own, pads), size, axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1]]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, channels * size[0] * size[1])


def assert_least_squares(layer, mask, given, wanted):
    """Each output of the layer is the least-squares fit over its survivors, and its bias."""
    size = layer.out_channels // layer.groups
    outputs = wanted.permute(0, 2, 3, 1).reshape(-1, layer.out_channels).numpy().astype(np.float64)
    errors, least = [], []
    by_group = [patches(given, layer, group) for group in range(layer.groups)]
    for output in range(layer.out_channels):
        seen = by_group[output // size]
        found = layer.weight[output].flatten().numpy()
        alive = ~mask[output].flatten().numpy()
        assert not found[~alive].any()
        if layer.bias is not None:
            seen = np.column_stack([seen, np.ones(len(seen))])
            found, alive = np.append(found, layer.bias[output]), np.append(alive, True)
        mean_square = np.square(seen).mean()
        if not mean_square:  # a channel that a ReLU has shut says nothing of its weights
            continue
        target, found, seen = outputs[:, output], found[alive], seen[:, alive]
        best, *_ = np.linalg.lstsq(seen, target, rcond=None)
        errors.append(np.square(seen @ found - target).mean())
        least.append(np.square(seen @ best - target).mean())
        # The same with the ridge, 1e-4 of the mean moment, as equations of its own.
        ridge = 1e-4 * mean_square * len(seen)
        seen = np.vstack([seen, np.sqrt(ridge) * np.eye(len(found))])
        target = np.append(target, np.zeros(len(found)))
        best, *_ = np.linalg.lstsq(seen, target, rcond=None)
        assert np.linalg.norm(found - best) <= 5e-3 * np.linalg.norm(best)
        error, smallest = (np.square(seen @ each - target).sum() for each in (found, best))
        assert error <= (1 + 1e-4) * smallest
    assert np.mean(errors) <= 1.03 * np.mean(least)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_refitted_layers_are_least_squares_over_the_survivors(city, kind):
    network = built(KINDS[kind])
    teacher = copy_of(network)
    prune_below(network, cutoffs(network, "relative", 0.01, 0.65))
    pruned, masks = copy_of(network), zero_masks(network)
    reconstruct(
        network, teacher, masks, city.crop_source, CROPS, EVERYWHERE, np.random.default_rng(3)
    )
    images = torch.cat(list(crop_batches(city.crop_source, CROPS_SEEN, np.random.default_rng(3))))
    # Each layer's inputs are those that the refitted layers before it make.
    modules, originals = (dict(net.backbone.named_modules()) for net in (network, teacher))
    layers = [name for name, each in modules.items() if isinstance(each, nn.Conv2d)]
    assert len(layers) >= 7
    for name in layers:
        (given,), _ = seen_by(network, modules[name], [images])
        _, (wanted,) = seen_by(teacher, originals[name], [images])
        assert_least_squares(modules[name], masks[f"backbone.{name}.weight"], given, wanted)
    depthwise = [modules[name] for name in layers if modules[name].groups > 1]
    assert len(depthwise) == (3 if "bottlenecks" in kind else 0)
    for name, module in normalisations(network).items():
        for own in STATISTICS:
            expected = getattr(teacher.get_submodule(name), own)
            assert torch.equal(getattr(module, own), expected)

    assert_nearer(network, pruned, teacher, images)


def assert_nearer(network, pruned, teacher, images):
    def distance(net):
        return float(nn.functional.mse_loss(net.features(images), teacher.features(images)))

    assert distance(network) < 0.5 * distance(pruned)


@torch.no_grad()
@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_networks_are_refitted(city, kind):
    """Their layers have too many inputs for these crops: what counts is what all of them give."""
    network = built(PUBLISHED[kind])
    teacher = copy_of(network)
    prune_below(network, cutoffs(network, "relative", 0.01, 0.65))
    pruned, masks = copy_of(network), zero_masks(network)
    settings = replace(EVERYWHERE, iterations=30)
    reconstruct(
        network, teacher, masks, city.crop_source, CROPS, settings, np.random.default_rng(3)
    )
    assert all(not weight[masks[name]].any() for name, weight in compressible(network))
    images = torch.cat(list(crop_batches(city.crop_source, CROPS_SEEN, np.random.default_rng(3))))
    assert_nearer(network, pruned, teacher, images)


ROUNDING = RoundingSettings(
    crops=8,
    patches=1000,
    damping=0.01,
    projection_crops=24,
    ridge=0.5,
    pooled=0.7,
    cluster_bits=6,
    multiplier=4.0,
    sweeps=1,
)
LEARNT = InitialisationSettings(cluster_images=16, locals_per_image=20, projection_samples=24)


def taught(network, city):
    """Clustered and whitened on the city: else all images are alike to it."""
    pictures = city.pictures(city.dataset.images)
    for fit in (fit_pooling, fit_projection):
        fit(network, pictures, city.sizing, city.preprocessing, LEARNT, 3)
    return network


def rounded_to_nearest(teacher, quantized):
    """The teacher, each weight (or coefficient) by itself rounded to the nearest of the levels."""
    network = copy.deepcopy(teacher)
    for name, weight in compressible(network):
        tensor = quantized[name]
        if not tensor.transformed and weight.ndim == 2 and tensor.scales is not None:
            # Of the pooling, which is rounded so anyway.
            weight.copy_(torch.from_numpy(tensor.dequantize()))
            continue
        assert tensor.input_scales is None or name == "projection.weight"
        levels = np.sort(tensor.codebook.astype(np.float64))
        assert len(levels) > 3, name
        values = weight.numpy().astype(np.float64)
        if tensor.input_scales is not None:
            values /= tensor.input_scales
        if tensor.transformed:
            values = dctn(values, axes=(2, 3), norm="ortho")
        scales = np.ones(len(values)) if tensor.scales is None else tensor.scales
        scales = scales.reshape(-1, *[1] * (values.ndim - 1)).astype(np.float64)
        values = levels[np.abs((values / scales)[..., None] - levels).argmin(axis=-1)] * scales
        if tensor.transformed:
            values = idctn(values, axes=(2, 3), norm="ortho")
        if tensor.input_scales is not None:
            values *= tensor.input_scales
        weight.copy_(torch.from_numpy(values))
    return network


@torch.no_grad()
@pytest.mark.parametrize("kind", ALL)
def test_rounding_comes_closer_than_rounding_to_the_nearest(city, kind):
    teacher = taught(built(ALL[kind]), city)
    network = copy_of(teacher)
    quantized = round_network(network, teacher, city.crop_source, CROPS, 0.02, ROUNDING, 7)
    assert set(quantized) == {name for name, _ in compressible(network)}
    for name, weight in compressible(network):
        np.testing.assert_array_equal(weight.numpy(), quantized[name].dequantize())
    for name, module in normalisations(network).items():
        for own in STATISTICS:
            expected = getattr(teacher.get_submodule(name), own)
            assert torch.equal(getattr(module, own), expected)
    held_out = replace(CROPS, crops=16, batch=16)
    (images,) = crop_batches(city.crop_source, held_out, np.random.default_rng(99))

    def distance(net):
        return float(descriptor_distance(net(images), teacher(images)))

    assert distance(network) < 0.5 * distance(rounded_to_nearest(teacher, quantized))


@torch.no_grad()
def test_a_classifier_is_rounded_without_anybody_knowing(tmp_path, city):
    """Features end in a ReLU6, the mean keeps its length, and the linear layer has a bias."""
    backbone = EfficientNetLite0(width=0.05, head=True)
    mean, linear = {"type": "mean", "unit_length": False}, {"type": "linear", "length": 20}
    teacher = built(backbone, pooling=mean, projection=linear)
    teacher.projection.bias.copy_(torch.linspace(-0.3, 0.3, 20))
    network = copy_of(teacher)
    quantized = round_network(network, teacher, city.crop_source, CROPS, 1e-3, ROUNDING, 7)
    assert set(quantized) == {name for name, _ in compressible(network)}
    assert {"backbone.head.weight", "projection.weight"} <= set(quantized)
    path = tmp_path / "classifier.pvlad"
    write_compressed(path, to_contents(Model(network, PREPROCESSING)), quantized)
    found = read_model(path).network
    assert found.architecture == teacher.architecture
    held_out = replace(CROPS, crops=16, batch=16)
    (images,) = crop_batches(city.crop_source, held_out, np.random.default_rng(99))

    def distance(net):
        return float(descriptor_distance(net(images), teacher(images)))

    assert distance(found) < 0.5 * distance(rounded_to_nearest(teacher, quantized))


@torch.no_grad()
def test_a_network_without_projection_is_refitted_and_rounded(city):
    pooling = {"type": "gem", "exponent": 3.0}
    teacher = built(Residual(norm=True), pooling=pooling, projection={"type": "none"})
    network = copy_of(teacher)
    prune_below(network, cutoffs(network, "relative", 0.01, 0.65))
    settings = replace(EVERYWHERE, projection_crops=8)
    masks, generator = zero_masks(network), np.random.default_rng(3)
    reconstruct(network, teacher, masks, city.crop_source, CROPS, settings, generator)
    assert all(not weight[masks[name]].any() for name, weight in compressible(network))
    network = copy_of(teacher)
    quantized = round_network(network, teacher, city.crop_source, CROPS, 0.02, ROUNDING, 7)
    assert set(quantized) == {name for name, _ in compressible(network)}
    assert {name.partition(".")[0] for name in quantized} == {"backbone"}
    assert torch.equal(network.pooling.exponent, teacher.pooling.exponent)


@torch.no_grad()
@pytest.mark.parametrize("signs", ["absolute", "apart"])
def test_other_signs_and_whitening_in_part_are_rounded_and_stored(city, signs, tmp_path):
    pooling = {"type": "gem", "exponent": 3.0, "signs": signs}
    projection = {"type": "pca-whitening", "length": 4, "power": 0.5}
    backbone = PUBLISHED["efficientnet-lite0"]
    teacher = taught(built(backbone, pooling=pooling, projection=projection), city)
    network = copy_of(teacher)
    quantized = round_network(network, teacher, city.crop_source, CROPS, 0.02, ROUNDING, 7)
    assert {name.partition(".")[0] for name in quantized} == {"backbone", "projection"}
    held_out = replace(CROPS, crops=16, batch=16)
    (images,) = crop_batches(city.crop_source, held_out, np.random.default_rng(99))
    nearest = rounded_to_nearest(teacher, quantized)(images)
    wanted, found = teacher(images), network(images)
    assert descriptor_distance(found, wanted) < descriptor_distance(nearest, wanted)
    contents = to_contents(Model(network, city.preprocessing))
    write_compressed(tmp_path / "m.pvlad", contents, quantized)
    torch.testing.assert_close(read_model(tmp_path / "m.pvlad").network(images), found)


@torch.no_grad()
def test_a_channel_that_a_relu_has_shut_costs_nothing_and_harms_nobody(city):
    """The one input of a group of a depthwise convolution, zero at every place."""
    teacher = built(Bottlenecks())
    teacher.backbone.bottlenecks[1].expand.bias[3] = -1000.0
    layer = "backbone.bottlenecks.1.depthwise"
    (given,), _ = seen_by(teacher, teacher.get_submodule(layer), [torch.randn(2, 3, 36, 28)])
    assert not given[:, 3].any()
    taught(teacher, city)
    network, masks = copy_of(teacher), zero_masks(teacher)
    generator = np.random.default_rng(3)
    reconstruct(network, teacher, masks, city.crop_source, CROPS, EVERYWHERE, generator)
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
    network = copy_of(teacher)
    quantized = round_network(network, teacher, city.crop_source, CROPS, 0.02, ROUNDING, 7)
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
    codes = quantized[f"{layer}.weight"].codes
    assert not codes[3].any()
    assert codes.any(axis=(1, 2, 3)).sum() > 12


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_normalisation_for_training_alone_comes_and_goes(kind):
    """Where convolutions have none of their own."""
    backbone = built(KINDS[kind]).backbone
    images = torch.randn(4, 3, 36, 28)
    before = {path: type(module) for path, module in backbone.named_modules()}
    kept = len(normalisations(backbone))
    add_batch_norm(backbone)
    convolutions = [m for m in backbone.modules() if isinstance(m, nn.Conv2d)]
    assert len(normalisations(backbone)) == len(convolutions)
    assert kept in (0, len(convolutions) - 1)
    backbone.train()
    for _ in range(3):
        backbone(images)
    expected = backbone.eval()(images)
    fold_batch_norm(backbone)
    assert {path: type(module) for path, module in backbone.named_modules()} == before
    torch.testing.assert_close(backbone(images), expected, rtol=1e-3, atol=1e-4)


def test_a_linear_map_inside_a_backbone_is_refused_by_name(city):
    class Mixing(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner, self.mix = inner, nn.Linear(10, 10)

        def forward(self, images):
            return self.mix(self.inner(images).movedim(1, -1)).movedim(-1, 1)

    network = built(Residual())
    network.backbone = Mixing(network.backbone)
    masks, generator = zero_masks(network), np.random.default_rng(3)
    message = "layer mix of the backbone is a Linear; only plain convolutions .*kept"
    with pytest.raises(ValueError, match=message):
        reconstruct(
            network, copy_of(network), masks, city.crop_source, CROPS, EVERYWHERE, generator
        )


class Padding(nn.Conv2d):
    """As some libraries have it: the padding follows from the image."""

    def forward(self, maps):
        return super().forward(nn.functional.pad(maps, (0, 1, 0, 1)))


def refit(network, city):
    masks, generator = zero_masks(network), np.random.default_rng(3)
    reconstruct(network, copy_of(network), masks, city.crop_source, CROPS, EVERYWHERE, generator)


def rounded(network, city):
    round_network(network, copy_of(network), city.crop_source, CROPS, 0.02, ROUNDING, 7)


@pytest.mark.parametrize("fit", [refit, rounded])
def test_a_convolution_that_does_more_than_torchs_is_refused_by_name(city, fit):
    network = built(Residual())
    network.backbone = nn.Sequential(network.backbone, Padding(10, 10, 2)).eval()
    with pytest.raises(ValueError, match=r"layer 1 of the backbone is a Padding; .*kept"):
        fit(network, city)


@pytest.mark.parametrize("place", ["not called", "beside the linear map"])
def test_a_weight_that_rounding_would_never_reach_is_named(city, place):
    network = built(Residual())
    if place == "not called":
        network.backbone.spare, name = nn.Conv2d(3, 3, 1), r"backbone\.spare\.weight"
    else:
        network.projection.other, name = nn.Linear(3, 3), r"projection\.other\.weight"
    with pytest.raises(ValueError, match=f"{name} cannot be rounded: .*kept"):
        rounded(network, city)


class Attending(nn.Module):
    """Layers that nothing here can compress, between a backbone and its last convolution."""

    def __init__(self, inner, keep):
        super().__init__()
        self.inner = inner
        self.norm = keep(nn.GroupNorm(2, 10))
        self.attention = keep(nn.MultiheadAttention(10, 2, batch_first=True))
        self.last = nn.Conv2d(10, 10, 1)

    def forward(self, images):
        maps = self.norm(self.inner(images))
        places = maps.flatten(2).transpose(1, 2)
        seen = self.attention(places, places, places)[0].transpose(1, 2)
        return self.last(maps + seen.reshape(maps.shape))


def attending(keep):
    network = built(Residual())
    network.backbone = Attending(network.backbone, keep).eval()
    return network


def test_a_layer_that_cannot_be_compressed_is_named():
    message = r"backbone\.norm\.weight: .* of a GroupNorm is; .*kept"
    with pytest.raises(UnknownRoleError, match=message):
        list(labelled_tensors(attending(keep=lambda layer: layer)))

    class Choosing(nn.Module):
        def forward(self, maps):
            return maps if maps.mean() > 0 else -maps

    chosen = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(Choosing()))
    # As torch's own layers are: taken apart, since a part has tensors.
    chosen[1][0].inner = nn.Conv2d(4, 4, 1)
    with pytest.raises(ValueError, match=r"layers of 1\.0, a Choosing, have no order.*kept"):
        Graph.of(chosen)
    chosen[1][0] = kept(chosen[1][0])
    assert [step.target for step in Graph.of(chosen).steps] == ["0", "1.0"]


@torch.no_grad()
def test_a_layer_may_be_kept_in_half_precision(city, tmp_path):
    teacher = taught(attending(kept), city)
    held = {n for n, _, label in labelled_tensors(teacher) if label.role is Role.KEPT}
    attention = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    assert held == {f"backbone.norm.{own}" for own in ("weight", "bias")} | {
        f"backbone.attention.{own}" for own in attention
    }
    network = copy_of(teacher)
    quantized = round_network(network, teacher, city.crop_source, CROPS, 0.02, ROUNDING, 7)
    weights = {name for name, _ in compressible(network)}
    assert set(quantized) == weights
    assert "backbone.last.weight" in weights
    assert not held & weights
    for name in held:
        assert torch.equal(network.state_dict()[name], teacher.state_dict()[name])
    # The architecture is not that of the network, but a file's tensors are.
    contents = to_contents(Model(network, PREPROCESSING, {}))
    write_compressed(tmp_path / "m.pvlad", contents, quantized, "float16")
    with open_compressed(tmp_path / "m.pvlad") as model:
        found = {layer.name: values for layer, values in model}
    for name in held:
        half = teacher.state_dict()[name].half().float().numpy()
        np.testing.assert_array_equal(found[name], half)
    decoded = copy_of(teacher)
    tensors = read_compressed(tmp_path / "m.pvlad").tensors
    decoded.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()})
    pictures = torch.randn(2, 3, 40, 48, generator=torch.Generator().manual_seed(5))
    expected = network(pictures)
    torch.testing.assert_close(decoded(pictures), expected, atol=2e-3, rtol=0)
    assert not torch.allclose(teacher(pictures), expected, atol=2e-3)


def row(name, outgoing, incoming, side, places, bias=1):
    """(name, shape, parameters, weights, multiply-adds) of a convolution, counted by hand."""
    weights = outgoing * incoming * side * side
    shape = f"{outgoing} x {incoming} x {side} x {side}"
    return name, shape, weights + bias * outgoing, weights, weights * places


# Of images of 20 x 24 pixels.
RESIDUAL = [
    row("stem", 8, 3, 3, 480),
    row("blocks.0.first", 8, 8, 3, 480),
    row("blocks.0.second", 8, 8, 3, 480),
    row("blocks.2.first", 12, 8, 3, 120),
    row("blocks.2.second", 12, 12, 3, 120),
    row("blocks.2.shortcut", 12, 8, 1, 120),
    row("last", 10, 12, 3, 120),
]
BOTTLENECKS = [
    row("stem", 8, 3, 3, 120),
    row("bottlenecks.0.expand", 24, 8, 1, 120),
    row("bottlenecks.0.depthwise", 24, 1, 3, 120),
    row("bottlenecks.0.project", 8, 24, 1, 120),
    row("bottlenecks.1.expand", 24, 8, 1, 120),
    row("bottlenecks.1.depthwise", 24, 1, 3, 30),
    row("bottlenecks.1.project", 12, 24, 1, 30),
    row("bottlenecks.2.expand", 36, 12, 1, 30),
    row("bottlenecks.2.depthwise", 36, 1, 3, 30),
    row("bottlenecks.2.project", 12, 36, 1, 30),
    row("last", 10, 12, 1, 30),
]
# Clusters: an inner product and a weighted residual of 10 channels at each of `places`.
NETVLAD = ("pooling", "2 x 3 x 10", 60, 60)
WHITENING = ("projection", "8 x 30", 248, 240, 240)


def normalised(rows):
    """Each convolution but the last without a bias, and a scale and a shift a channel after it."""
    for name, shape, parameters, weights, multiply_adds in rows:
        if name == "last":
            yield name, shape, parameters, weights, multiply_adds
            continue
        channels = parameters - weights
        yield f"{name}.0", shape, weights, weights, multiply_adds
        places = multiply_adds // weights
        yield f"{name}.1", "", 2 * channels, 0, channels * places


@pytest.mark.parametrize(
    ("backbone", "rows", "places"),
    [
        (Residual(), RESIDUAL, 120),
        (Residual(norm=True), list(normalised(RESIDUAL)), 120),
        (Bottlenecks(), BOTTLENECKS, 30),
        (Bottlenecks(norm=True), list(normalised(BOTTLENECKS)), 30),
    ],
)
def test_costs_of_layers_are_those_counted_by_hand(backbone, rows, places):
    expected = [*rows, (*NETVLAD, 60 * places), WHITENING]
    for found in (
        network_costs(declared(backbone), 20, 24),
        list(layer_costs(built(backbone), torch.randn(1, 3, 20, 24))),
    ):
        assert [
            (each.name, each.shape, each.parameters, each.weights, each.multiply_adds)
            for each in found
        ] == expected
        parts = ["backbone"] * len(rows) + ["pooling", "projection"]
        assert [each.part for each in found] == parts
