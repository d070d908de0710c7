"""Product quantization against sums over blocks, dense least squares and finite differences."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from networks import copy_of
from training_cities import learnt_network
from workflow_runs import ROOT

from pocketvlad.baselines.rivals.coders import product_quantization
from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.declared import declared_rivals
from pocketvlad.baselines.rivals.product.blocks import Blocked, block_size, stored_order
from pocketvlad.baselines.rivals.product.codebook import BlockLayout, solved_codebook
from pocketvlad.baselines.rivals.product.kmeans import clustered
from pocketvlad.baselines.rivals.product.layers import _quantize_linear, quantize_layers
from pocketvlad.baselines.rivals.product.moments import FullMoments, SampleMoments
from pocketvlad.baselines.rivals.product.order import best_order
from pocketvlad.baselines.rivals.product.training import train_codebooks, use_block_codebooks
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.crops import drawn_crops
from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import crop_batches
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.error import FormatError
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.training.distillation import descriptor_distance

CROPS = CropSettings(crops=8, batch=4, image_size=96, crop=0.8, colour=0.2)
SETTINGS = RoundingSettings(crops=8, patches=2000, projection_crops=24, length=6)
ASKED = {"kernel_weights": 9, "columns": 4, "centres": 16}


@pytest.mark.parametrize(
    ("shape", "kernel_weights", "columns", "expected"),
    [
        ((8, 6, 3, 3), 9, 4, 9),
        ((8, 6, 3, 3), 18, 4, 18),
        ((8, 5, 3, 3), 18, 4, 9),  # inputs do not come in pairs
        ((8, 6, 3, 3), 3, 4, 3),
        ((8, 6, 3, 3), 8, 4, 3),
        ((8, 6, 5, 5), 9, 4, 5),
        ((8, 6, 1, 1), 9, 4, 3),
        ((8, 64), 9, 4, 4),
        ((8, 1), 9, 4, 1),
    ],
)
def test_sizes_of_blocks(shape, kernel_weights, columns, expected):
    assert block_size(shape, kernel_weights, columns) == expected


def test_blocks_by_hand():
    """Two rows of four inputs, the last of three rows left out."""
    codebook = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float16)
    codes = np.array([0, 2, 1, 1], dtype=np.uint16)
    order = np.array([3, 0, 2, 1], dtype=np.uint16)
    found = Blocked(codes, codebook, order, (3, 4)).decode()
    np.testing.assert_array_equal(found, [[2, 6, 5, 1], [4, 4, 3, 3], [0, 0, 0, 0]])
    assert found.dtype == np.float32


def test_any_number_of_inputs_keeps_its_order():
    """ResNet-50 with 64 clusters has more inputs than 16 bits tell apart."""
    for count, size in ((1 << 16, 2), ((1 << 16) + 1, 4)):
        order = np.random.default_rng(0).permutation(count)
        np.testing.assert_array_equal(stored_order(order), order)
        assert stored_order(order).itemsize == size


def cost(blocks, metric, codes, codebook):
    errors = blocks.astype(np.float64) - codebook[codes]
    return sum(error @ metric @ error for error in errors)


def test_few_blocks_are_clustered_as_the_best_of_all_partitions():
    """In the metric, which is far from Euclid's."""
    generator = np.random.default_rng(4)
    blocks = generator.normal(size=(9, 2)).astype(np.float32)
    metric = np.array([[1.0, 0.9], [0.9, 100.0]])
    least = np.inf
    for half in itertools.product([0, 1], repeat=9):
        codes = np.array(half)
        if 0 < codes.sum() < 9:
            means = np.stack([blocks[codes == c].mean(axis=0) for c in (0, 1)])
            least = min(least, cost(blocks, metric, codes, means))
    found = [cost(blocks, metric, *clustered(blocks, metric, 2, seed)) for seed in range(8)]
    assert min(found) == pytest.approx(least, rel=1e-5)


def test_every_block_has_its_nearest_entry_and_every_entry_is_a_mean():
    generator = np.random.default_rng(5)
    blocks = generator.normal(size=(400, 3)).astype(np.float32)
    root = generator.normal(size=(3, 3))
    metric = root @ root.T + 0.1 * np.eye(3)
    codes, codebook = clustered(blocks, metric, 6, 0)
    errors = blocks[:, None] - codebook
    costs = np.einsum("nkd,de,nke->nk", errors, metric, errors)
    np.testing.assert_array_equal(costs.argmin(axis=1), codes)
    for entry, own in enumerate(codebook):
        np.testing.assert_allclose(blocks[codes == entry].mean(axis=0), own, atol=0.02)


def log_determinant(kernels, order):
    """Of the moments of all blocks of kernels [O, I, K], of which `order` has the inputs."""
    blocks = kernels[:, order].reshape(len(kernels) * len(order), -1).astype(np.float64)
    return np.linalg.slogdet(blocks.T @ blocks)[1]


def test_the_order_of_inputs_is_the_best_of_all():
    kernels = np.random.default_rng(6).normal(size=(40, 6, 1)).astype(np.float32)
    kernels *= np.array([1, 5, 2, 4, 0.3, 3])[:, None]
    kernels[:, 1] += 4 * kernels[:, 4]
    kernels = kernels.astype(np.float32)
    least = min(
        log_determinant(kernels, np.array(order).reshape(3, 2))
        for order in itertools.permutations(range(6))
    )
    order = best_order(kernels, 2, 0)
    assert sorted(order) == list(range(6))
    assert log_determinant(kernels, order.reshape(3, 2)) == pytest.approx(least, rel=1e-4)


@pytest.mark.parametrize("full", [True, False])
def test_the_codebook_is_that_of_least_squares(full):
    """Each weight is one unknown of the codebook: the design matrix, written out."""
    generator = np.random.default_rng(7)
    outputs, inputs, size, entries, samples = 6, 8, 2, 4, 30
    order = generator.permutation(inputs)
    codes = generator.integers(entries, size=outputs * inputs // size)
    seen = generator.normal(size=(samples, inputs))
    wanted = generator.normal(size=(samples, outputs))
    ridge, before = 0.3, generator.normal(size=(outputs, inputs))
    design = np.zeros((outputs, inputs, entries, size))
    for row, column in np.ndindex(outputs, inputs):
        place = list(order).index(column)
        code = codes[row * (inputs // size) + place // size]
        design[row, column, code, place % size] = 1
    design = design.reshape(outputs, inputs, -1)
    answered = np.einsum("si,oiu->sou", seen, design).reshape(-1, entries * size)
    drawn = np.sqrt(ridge * samples) * design.reshape(-1, entries * size)
    sides = np.concatenate([wanted.ravel(), np.sqrt(ridge * samples) * before.ravel()])
    expected = np.linalg.lstsq(np.concatenate([answered, drawn]), sides, rcond=None)[0]

    tensor = torch.from_numpy(seen)
    moments = tensor.t() @ tensor / samples + ridge * torch.eye(inputs)
    found = solved_codebook(
        torch.zeros(entries, size, dtype=torch.float64),
        torch.from_numpy(codes),
        BlockLayout(torch.from_numpy(order), 1, size),
        FullMoments([moments]) if full else SampleMoments(tensor, ridge),
        torch.from_numpy(wanted.T @ seen / samples + ridge * before),
        60,
    )
    np.testing.assert_allclose(found.numpy().ravel(), expected, atol=1e-4)


def test_moments_of_blocks_are_means_over_blocks():
    generator = np.random.default_rng(8)
    samples = generator.normal(size=(20, 6))
    columns = np.array([[4, 1], [0, 5], [2, 3]])
    expected = np.mean([np.cov(samples[:, own].T, bias=True) for own in columns], axis=0)
    centred = torch.from_numpy(samples - samples.mean(axis=0))
    chosen = torch.from_numpy(columns)
    full = FullMoments([centred.t() @ centred / 20]).pooled(chosen)
    np.testing.assert_allclose(full.numpy(), expected)
    few = SampleMoments(centred, 0.5).pooled(chosen)
    np.testing.assert_allclose(few.numpy(), expected + 0.5 * np.eye(2))


def test_groups_of_a_convolution_have_moments_of_their_own():
    generator = np.random.default_rng(10)
    one, other = (each @ each.T for each in generator.normal(size=(2, 4, 4)))
    rows = generator.normal(size=(6, 4))
    expected = np.concatenate([rows[:3] @ one, rows[3:] @ other])
    moments = FullMoments([torch.from_numpy(one), torch.from_numpy(other)])
    np.testing.assert_allclose(moments.times(torch.from_numpy(rows)).numpy(), expected)
    pairs = torch.tensor([[0, 1], [2, 3]])
    parts = [one[:2, :2], one[2:, 2:], other[:2, :2], other[2:, 2:]]
    np.testing.assert_allclose(moments.pooled(pairs).numpy(), np.mean(parts, axis=0))


@torch.no_grad()
def test_of_a_projection_without_a_bias_the_means_are_fitted_by_its_weights():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, 8, generator=generator) + 5 * torch.rand(8, generator=generator)
    layer = torch.nn.Linear(8, 12, bias=False)
    layer.weight.copy_(torch.randn(12, 8, generator=generator))
    outputs = layer(inputs)
    settings = replace(SETTINGS, length=None)
    found = _quantize_linear(layer, inputs, outputs, 2, 12, settings, 0)
    np.testing.assert_array_equal(layer.weight.numpy(), found.decode())
    error = layer(inputs) - outputs
    assert error.mean(dim=0).square().sum() < 0.02 * outputs.mean(dim=0).square().sum()
    assert error.square().sum() < 0.1 * outputs.square().sum()


@pytest.fixture(scope="module")
def blocks():
    """A convolution of pairs of kernels in an order of their own, and its layer."""
    generator = np.random.default_rng(9)
    layer = torch.nn.Conv2d(4, 5, 3, bias=False)
    codes = generator.integers(3, size=10).astype(np.uint16)
    codebook = generator.normal(size=(3, 18)).astype(np.float16)
    return layer, Blocked(codes, codebook, np.array([2, 0, 3, 1], np.uint16), (5, 4, 3, 3))


def test_the_gradient_of_an_entry_is_the_sum_over_its_blocks(blocks):
    layer, tensor = blocks
    images = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 4, 5, 5)))
    plain = torch.from_numpy(tensor.decode()).double().requires_grad_()
    torch.nn.functional.conv2d(images, plain).square().sum().backward()
    kernels = plain.grad.numpy()[:, tensor.order].reshape(-1, 18)
    expected = np.stack([kernels[tensor.codes == entry].sum(axis=0) for entry in range(3)])

    network = torch.nn.Sequential(layer).double()
    [codebook] = use_block_codebooks(network, {"0.weight": tensor}).values()
    codebook.data = codebook.data.double()

    def loss():
        return network(images).square().sum()

    loss().backward()
    np.testing.assert_allclose(codebook.grad.numpy(), expected)
    step = 1e-4
    for entry, place in [(0, 0), (1, 17), (2, 8)]:
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                codebook[entry, place] += sign * step
                values.append(loss().item())
                codebook[entry, place] -= sign * step
        slope = (values[0] - values[1]) / (2 * step)
        assert codebook.grad[entry, place].item() == pytest.approx(slope, rel=1e-5)


@pytest.fixture
def calibration(city):
    teacher = learnt_network("vgg16", city)
    base = Model(teacher, city.preprocessing, {})
    return Calibration(base, city.crop_source, CROPS, SETTINGS, "float16", 7)


def distance(network, calibration, crops):
    """Of 16 crops, others than are trained on."""
    teacher = shortened(calibration.base.network, SETTINGS.length)
    crops = replace(crops, crops=16, batch=16)
    (images,) = crop_batches(calibration.source, crops, np.random.default_rng(99))
    with torch.no_grad():
        return descriptor_distance(network(images), teacher(images)).item()


def network_of(tensors, calibration):
    network = copy_of(calibration.base.network)
    network.load_state_dict({name: torch.from_numpy(each) for name, each in tensors.items()})
    return network


def looked_up(layer):
    """The weights that blocks stand for, one by one."""
    taps = int(np.prod(layer.shape[2:]))
    size = layer.codebook.shape[1]
    weight = np.zeros((layer.shape[0], layer.shape[1], taps), dtype=np.float32)
    for row, place, tap in np.ndindex(
        len(layer.codes) * size // (layer.shape[1] * taps), *weight.shape[1:]
    ):
        number = (row * layer.shape[1] + place) * taps + tap
        entry = layer.codebook[layer.codes[number // size]]
        weight[row, layer.order[place], tap] = entry[number % size]
    return weight.reshape(layer.shape)


def test_a_file_holds_what_was_fitted(calibration):
    base = to_contents(calibration.base)
    layers, roles = product_quantization.fit(calibration, **ASKED, training_crops=8)
    assert list(layers) == list(base.tensors)
    assert roles == {name: label.role for name, label in base.labels.items()}
    kinds = {}
    for name, layer in layers.items():
        kinds.setdefault((roles[name], type(layer)), []).append(name)
    assert len(kinds[Role.CONVOLUTION, np.ndarray]) == 1  # the first
    assert len(kinds[Role.CONVOLUTION, Blocked]) == 12
    assert len(kinds[Role.LINEAR, Blocked]) == 1
    assert len(kinds[Role.CLUSTER, QuantizedTensor]) == 2

    tensors = product_quantization.decode(product_quantization.encode(layers, roles))
    assert list(tensors) == list(base.tensors)
    for name, layer in layers.items():
        if isinstance(layer, Blocked):
            assert len(layer.codebook) <= 16
            np.testing.assert_array_equal(tensors[name], looked_up(layer))
        elif isinstance(layer, QuantizedTensor):
            np.testing.assert_array_equal(tensors[name], layer.dequantize())
        else:
            np.testing.assert_array_equal(tensors[name], layer.astype(np.float16))
    [projection] = kinds[Role.LINEAR, Blocked]
    assert not tensors[projection][SETTINGS.length :].any()
    assert tensors[projection][: SETTINGS.length].any(axis=1).all()
    assert distance(network_of(tensors, calibration), calibration, CROPS) < 0.2


def test_the_same_seed_makes_the_same_file(calibration):
    def file():
        fitted = product_quantization.fit(calibration, **ASKED, training_crops=4)
        return product_quantization.encode(*fitted)

    assert file() == file()


def test_training_moves_entries_and_biases_towards_the_base_model(calibration):
    """On whole pictures of another size than the layers were fitted on."""
    teacher = shortened(calibration.base.network, SETTINGS.length)
    network = copy_of(teacher)
    drawn = drawn_crops(network, calibration.source, CROPS, SETTINGS, 7)
    coarse = ASKED | {"centres": 4}
    found = quantize_layers(network, teacher, drawn, **coarse, settings=SETTINGS, seed=7)
    tensors = {name: each for name, each in found.items() if isinstance(each, Blocked)}
    fixed = {
        name: tensor.detach().clone()
        for name, tensor, label in labelled_tensors(network)
        if name not in tensors and label.role is not Role.BIAS
    }
    crops = CropSettings(crops=320, batch=16, image_size=48, crop=1.0, colour=0.0)
    before = distance(network, calibration, crops)
    trained = train_codebooks(network, teacher, tensors, calibration.source, crops, 7)
    assert distance(network, calibration, crops) < 0.5 * before
    for name, tensor in trained.items():
        np.testing.assert_array_equal(tensor.codes, tensors[name].codes)
        assert (tensor.codebook != tensors[name].codebook).any()
        path, _, attribute = name.rpartition(".")
        weight = getattr(network.get_submodule(path), attribute)
        # But for half precision.
        np.testing.assert_allclose(weight.detach().numpy(), tensor.decode(), rtol=1e-3, atol=1e-6)
    for name, tensor in fixed.items():
        assert torch.equal(network.state_dict()[name], tensor)


@pytest.mark.parametrize("entries", [2, 256, 257, 1500])
def test_numbers_of_any_size_come_back(entries):
    generator = np.random.default_rng(entries)
    codes = generator.integers(entries, size=800).astype(np.uint16)
    codes[0] = entries - 1
    codebook = generator.normal(size=(entries, 2)).astype(np.float16)
    layer = Blocked(codes, codebook, np.arange(8, dtype=np.uint16), (200, 8))
    data = product_quantization.encode({"weight": layer}, {"weight": Role.LINEAR})
    np.testing.assert_array_equal(
        product_quantization.decode(data)["weight"], codebook[codes].reshape(200, 8)
    )


def test_a_code_beyond_its_codebook():
    layer = Blocked(np.array([0, 5], np.uint16), np.zeros((6, 2), np.float16), np.arange(2), (2, 2))
    arrays, header = unpack(product_quantization.encode({"w": layer}, {"w": Role.LINEAR}))
    shorter = {name: each[:5] if "book" in name else each for name, each in arrays.items()}
    with pytest.raises(FormatError, match="layer w: a code is beyond its codebook"):
        product_quantization.decode(pack(shorter, **header))


def test_what_a_config_asks_for():
    config = yaml.safe_load((ROOT / "config" / "subset.yaml").read_text())
    asked = [ASKED | {"training_crops": 5}, {**ASKED, "columns": 8, "training_crops": 5}]
    rivals = declared_rivals(config | {"rivals": {"product_quantization": asked}})
    own = [rival for rival in rivals if rival.coder == "product_quantization"]
    assert [rival.name for rival in own] == [
        "product-quantization_9-4-16-5",
        "product-quantization_9-8-16-5",
    ]
    assert [rival.settings for rival in own] == asked
    assert all(rival.fitted and rival.source == "base" for rival in own)
