"""OPTQ and CERWU against their publications spelt out, on small layers."""

import numpy as np
import pytest
import torch
from networks import random_network

from pocketvlad.baselines.rivals import second_order
from pocketvlad.baselines.rivals.coders import cerwu, optq
from pocketvlad.baselines.rivals.second_order import Grid, round_layer, round_projection
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.quantized_tensor import per_row
from pocketvlad.networks.model import Model, to_contents

DAMPING = 0.01  # of both publications


def layer(rows, inputs, samples=60, seed=0):
    """Weights, and correlated inputs that are positive like those after a ReLU, in double
    precision."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(inputs, inputs))
    seen = np.maximum(generator.normal(size=(samples, inputs)) @ mixing, 0)
    return generator.normal(size=(rows, inputs)), seen


def moments_of(seen):
    return seen.T @ seen / len(seen)


def damped(moments):
    return moments + DAMPING * np.diag(moments).mean() * np.eye(len(moments))


def optq_by_cholesky(weight, moments, grid):
    """The published loop: the upper Cholesky factor of the inverse, column after column."""
    factor = np.linalg.cholesky(np.linalg.inv(damped(moments))).T
    weight, multiples = weight.copy(), np.zeros_like(weight)
    for column in range(weight.shape[1]):
        rounded = np.clip(np.rint(weight[:, column] / grid.step), -grid.limit, grid.limit)
        error = (weight[:, column] - rounded * grid.step) / factor[column, column]
        weight[:, column:] -= np.outer(error, factor[column, column:])
        multiples[:, column] = rounded
    return multiples


def least_cost(row, moments, fixed, square):
    """Of all that begin with the weights `fixed`: least error plus `square` times the squares of
    the weights that follow."""
    count = len(fixed)
    # With weights x that follow: (r - x) H (r - x)' + square x x' is least where its slope is zero.
    free = slice(count, None)
    first = row[:count] - fixed
    own = moments[free, free] + square * np.eye(len(row) - count)
    found = np.linalg.solve(own, moments[free, :count] @ first + moments[free, free] @ row[free])
    error = row - np.concatenate([fixed, found])
    return error @ moments @ error + square * found @ found


def cerwu_by_trial(weight, moments, grid, price, bits):
    """The definition: of all levels the one by which error, its bits and the quadratic estimate of
    the bits that follow are least, all later weights being free to answer."""
    moments = damped(moments)
    square = price / (2 * np.log(2) * weight.var(ddof=1))
    multiples = np.zeros_like(weight)
    for number, row in enumerate(weight):
        for column in range(len(row)):
            before = multiples[number, :column] * grid.step
            costs = {
                level: least_cost(row, moments, np.append(before, level * grid.step), square)
                + price * bits[level + grid.limit]
                for level in range(-grid.limit, grid.limit + 1)
            }
            multiples[number, column] = min(costs, key=costs.get)
    return multiples


def as_tensors(*arrays):
    return [torch.from_numpy(array.copy()) for array in arrays]


@pytest.mark.parametrize("coarseness", [0.08, 0.7, 2.0])
def test_optq_is_the_published_loop(coarseness):
    weight, seen = layer(7, 150, 400)  # more columns than a block
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid.of(given, coarseness)
    found = round_layer(given, moments, grid, 0.0, 1).numpy()
    expected = optq_by_cholesky(weight, moments_of(seen), grid)
    np.testing.assert_array_equal(found, expected)
    assert (found != np.rint(weight / grid.step)).mean() > 0.1


@pytest.fixture
def fixed_bits(monkeypatch):
    """Bits of levels that do not depend on what was rounded: sets them, by a table."""

    def fix(table):
        def bits(multiples, taps, limit):
            assert len(table) == 2 * limit + 1
            models = torch.zeros(multiples.shape, dtype=torch.int64)
            return torch.from_numpy(table)[None].to(multiples), models

        monkeypatch.setattr(second_order, "symbol_bits", bits)

    return fix


@pytest.mark.parametrize("price", [0.02, 0.3, 2.0])
@pytest.mark.parametrize("shape", [(2, 3), (4, 11)])
def test_cerwu_takes_the_level_of_least_cost(fixed_bits, price, shape):
    weight, seen = layer(*shape)
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid(float(given.abs().max()) / 3, 6)
    table = 1 + 2.0 * np.abs(np.arange(-grid.limit, grid.limit + 1)) ** 0.7
    fixed_bits(table)
    found = round_layer(given, moments, grid, price, 1).numpy()
    np.testing.assert_array_equal(
        found, cerwu_by_trial(weight, moments_of(seen), grid, price, table)
    )


def test_the_cases_tell_levels_apart(fixed_bits):
    """What the last test compares are not all zeros, nor what OPTQ would have found."""
    weight, seen = layer(4, 11)
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid(float(given.abs().max()) / 3, 6)
    fixed_bits(1 + 2.0 * np.abs(np.arange(-grid.limit, grid.limit + 1)) ** 0.7)
    found = [round_layer(given, moments.clone(), grid, price, 1) for price in (0.0, 0.02, 0.3, 2.0)]
    sizes = [float(each.abs().sum()) for each in found]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    assert sizes[-1] > 0


def test_bits_worth_next_to_nothing_leave_optq(fixed_bits):
    weight, seen = layer(5, 40)
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid.of(given, 0.5)
    fixed_bits(np.linspace(9, 1, 2 * grid.limit + 1))
    without = round_layer(given, moments.clone(), grid, 0.0, 1)
    assert torch.equal(round_layer(given, moments.clone(), grid, 1e-12, 1), without)
    assert not torch.equal(round_layer(given, moments.clone(), grid, 0.1, 1), without)


def test_bits_follow_the_symbols():
    """Three passes with the bits of the file's own models take fewer bits than none."""
    weight, seen = layer(30, 60, 200)
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid.of(given, 0.4)

    def entropy(multiples):
        _, counts = np.unique(multiples.numpy(), return_counts=True)
        return -(counts * np.log2(counts / counts.sum())).sum()

    found = [entropy(round_layer(given, moments.clone(), grid, price, 1)) for price in (0, 5, 30)]
    assert found[1] < 0.9 * found[0]
    assert found[2] < 0.9 * found[1]


def test_an_input_that_is_never_there_costs_nothing():
    weight, seen = layer(3, 8)
    seen[:, 5] = 0
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid.of(given, 0.3)
    assert not round_layer(given, moments, grid, 0.0, 1)[:, 5].any()
    assert not round_projection(given, torch.from_numpy(seen), grid, 0.0, DAMPING)[:, 5].any()


@pytest.mark.parametrize("price", [0.0, 0.05])
def test_a_projection_is_rounded_as_if_its_moments_were_formed(monkeypatch, fixed_bits, price):
    monkeypatch.setattr(second_order, "_COLUMNS", 16)
    weight, seen = layer(5, 40, samples=12)
    given, moments = as_tensors(weight, moments_of(seen))
    grid = Grid.of(given, 0.7)
    fixed_bits(1.0 + np.abs(np.arange(-grid.limit, grid.limit + 1)))
    expected = round_layer(given, moments, grid, price, 1)
    found = round_projection(given, torch.from_numpy(seen), grid, price, DAMPING)
    assert torch.equal(found, expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("price", [0.0, 0.1])
def test_a_group_of_one_weight_is_rounded(price):
    """As in a depthwise convolution of one tap."""
    weight = torch.tensor([[0.6]])
    assert Grid.of(weight, 1.5) == Grid(pytest.approx(0.6 / 127), 127)
    found = round_layer(weight, torch.tensor([[2.0]]), Grid(0.1, 12), price, 1)
    assert found.tolist() == [[6.0]]


def test_the_grid_by_hand():
    weight = torch.tensor([[1.0, -3.0], [1.0, 1.0]])  # of standard deviation 2
    assert Grid.of(weight, 0.25) == Grid(0.5, 12)
    assert Grid.of(weight, 1) == Grid(2.0, 4)
    assert Grid.of(weight, 0.001) == Grid(3 / 127, 127)  # what a byte holds
    assert Grid.of(torch.zeros(2, 2), 2).step > 0


@pytest.fixture
def calibration(city):
    base = Model(random_network("vgg16", 0.06, 4, 8), city.preprocessing)
    torch.nn.init.normal_(base.network.projection.bias, std=0.1)
    settings = RoundingSettings(crops=8, patches=600, projection_crops=16, length=6)
    crops = CropSettings(crops=8, batch=4, image_size=64, crop=0.8, colour=0.2)
    return Calibration(base, city.crop_source, crops, settings, "float16", 3)


@pytest.mark.parametrize(
    ("coder", "settings"),
    [
        (optq, {"by_rows": False}),
        (optq, {"by_rows": True}),
        (cerwu, {"multiplier": 0.05}),
    ],
    ids=["optq", "optq by rows", "cerwu"],
)
def test_a_network_comes_back_on_its_grids(calibration, coder, settings):
    before = to_contents(calibration.base).tensors
    before = {name: tensor.copy() for name, tensor in before.items()}
    layers, roles = coder.fit(calibration, coarseness=1.0, **settings)
    decoded = coder.decode(coder.encode(layers, roles))
    after = to_contents(calibration.base).tensors
    for name, tensor in before.items():
        np.testing.assert_array_equal(after[name], tensor)  # the base model is as it was
        assert decoded[name].shape == tensor.shape
        if name.startswith("projection"):
            tensor[6:] = 0  # components that are left out
        if not roles[name].compressed:
            expected = tensor.astype(np.float16)
            np.testing.assert_array_equal(decoded[name], expected)
        elif not name.startswith("pooling"):
            if settings.get("by_rows"):
                # Rows are divided by their magnitudes in half precision; then all have one step.
                rows = tensor.reshape(len(tensor), -1)
                sizes = np.sqrt(np.square(rows.astype(np.float64)).mean(axis=1))
                scales = np.where(sizes > 0, sizes, 1).astype(np.float16).astype(np.float32)
                steps = per_row(scales, tensor.ndim)
                steps = steps * (tensor / steps).std(ddof=1)
            else:
                steps = tensor.std(ddof=1)
            multiples = decoded[name] / steps
            np.testing.assert_allclose(multiples, np.rint(multiples), atol=1e-4)
            assert len(np.unique(np.rint(multiples))) > 2
    assert not decoded["projection.weight"][6:].any()
    assert decoded["projection.weight"][:6].any()
