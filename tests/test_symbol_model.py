"""Models of symbols by size: which they are, what they cost, and that they pay."""

import numpy as np
import pytest

from pocketvlad.format.quantized_tensor import by_axes
from pocketvlad.format.symbol_model import (
    MAX_MODELS,
    MAX_SIZE,
    SymbolModel,
    entropy_bits,
    fit_model,
)

LEVELS = 31
MAGNITUDES = np.abs(np.arange(LEVELS, dtype=np.float32) - LEVELS // 2)


def codes_of(shape, rows=1.0, lines=1.0, places=1.0, seed=0):
    """Laplacian symbols [R, C, K] about the middle code, whose sizes are products."""
    generator = np.random.default_rng(seed)
    sizes = np.reshape(rows, (-1, 1, 1)) * np.reshape(lines, (1, -1, 1)) * np.reshape(places, -1)
    values = np.round(generator.laplace(size=shape) * sizes)
    return (np.clip(values, -(LEVELS // 2), LEVELS // 2) + LEVELS // 2).astype(np.uint8)


def bits(model, codes):
    return entropy_bits(model.counts(codes, LEVELS))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((), (1, 1, 1)),
        ((7,), (7, 1, 1)),
        ((7, 5), (7, 5, 1)),
        ((7, 5, 3, 2), (7, 5, 6)),
        ((7, 5, 1, 1), (7, 5, 1)),
    ],
)
def test_rows_lines_and_places_of_a_shape(shape, axes):
    assert by_axes(shape) == axes


def test_entropy_by_hand():
    # 4 symbols of 1 bit, 4 of which 1 and 3 are alike, and a model without any.
    counts = np.array([[2, 2, 0], [3, 1, 0], [0, 0, 0]])
    assert entropy_bits(counts) == pytest.approx(4 + 3 * np.log2(4 / 3) + 2)


def test_counts_are_those_of_each_symbols_model():
    generator = np.random.default_rng(1)
    codes = generator.integers(0, 3, (4, 5, 2)).astype(np.uint8)
    sizes = [generator.integers(0, 6, n).astype(np.uint8) for n in codes.shape]
    model = SymbolModel(*sizes, low=4, models=5)
    expected = np.zeros((5, 3), dtype=int)
    for row, line, place in np.ndindex(codes.shape):
        number = int(sizes[0][row]) + int(sizes[1][line]) + int(sizes[2][place]) - 4
        expected[min(max(number, 0), 4), codes[row, line, place]] += 1
    np.testing.assert_array_equal(model.counts(codes, 3), expected)
    numbers = model.numbers()
    assert numbers.shape == (4, 10)
    assert numbers.max() < 5
    np.testing.assert_array_equal(
        [np.bincount(codes.reshape(4, 10)[numbers == n], minlength=3) for n in range(5)], expected
    )


def test_sizes_are_half_octaves():
    """Rows of which each is sqrt(2) times the one before, of many symbols."""
    rows = 2.0 ** (np.arange(5) / 2)
    model = fit_model(codes_of((5, 200, 100), rows=2 * rows), MAGNITUDES)
    np.testing.assert_array_equal(np.diff(model.rows.astype(int)), 1)
    assert not model.inputs.any()
    assert not model.taps.any()
    assert (model.low, model.models) == (0, 5)


@pytest.mark.parametrize("axis", ["rows", "lines", "places"])
def test_what_differs_by_size_takes_fewer_bits(axis):
    """As many as coding each size apart takes, and the price of half octaves."""
    shape = {"rows": 64, "lines": 96, "places": 9}
    count = shape[axis]
    sizes = 2.0 ** np.random.default_rng(3).integers(-2, 3, count)
    codes = codes_of(tuple(shape.values()), **{axis: sizes})
    model = fit_model(codes, MAGNITUDES)
    apart = np.moveaxis(codes, list(shape).index(axis), 0)
    known = [np.bincount(apart[sizes == s].ravel(), minlength=LEVELS) for s in np.unique(sizes)]
    together = np.bincount(codes.ravel(), minlength=LEVELS)
    assert bits(model, codes) < 1.01 * entropy_bits(np.stack(known))
    assert bits(model, codes) < 0.95 * entropy_bits(together[None])


def test_symbols_that_are_all_alike_have_one_model():
    model = fit_model(codes_of((40, 50, 9)), MAGNITUDES)
    assert model.models == 1
    assert not any(each.any() for each in (model.rows, model.inputs, model.taps))


def test_a_layer_of_zeros_and_one_of_rows_of_zeros():
    zeros = np.full((3, 4, 1), LEVELS // 2, dtype=np.uint8)
    assert bits(fit_model(zeros, MAGNITUDES), zeros) == 0
    codes = codes_of((40, 500, 1), rows=np.repeat([0.0, 3.0], 20))
    model = fit_model(codes, MAGNITUDES)
    others = np.bincount(codes[20:].ravel(), minlength=LEVELS)
    assert bits(model, codes) == pytest.approx(entropy_bits(others[None]), rel=0.01)


def test_sizes_far_apart_stay_within_what_a_file_may_hold():
    """Symbols of 2^-20 to 2^20, by rows, by lines and by places: products of 120 octaves."""
    levels = 121
    magnitudes = 2.0 ** np.arange(-60, 61, dtype=np.float32)
    octaves = [np.repeat([-20, 20], count) for count in (30, 20, 4)]
    codes = (np.add.outer(np.add.outer(octaves[0], octaves[1]), octaves[2]) + 60).astype(np.uint8)
    model = fit_model(codes, magnitudes)
    assert model.models == MAX_MODELS
    assert max(each.max() for each in (model.rows, model.inputs, model.taps)) == MAX_SIZE
    counts = model.counts(codes, levels)
    assert entropy_bits(counts) < 0.8 * entropy_bits(counts.sum(axis=0, keepdims=True))


def test_few_symbols_far_from_the_rest_have_no_model_of_their_own():
    """Two lines of 300 are smaller and larger: they share the models of the rest."""
    lines = np.repeat([1.0, 2.0], 150)
    lines[[0, -1]] = 0.05, 10
    model = fit_model(codes_of((2000, 300, 1), lines=lines), MAGNITUDES)
    assert model.inputs.max() - model.inputs.min() > 6
    assert model.models == 3  # of lines of 1, of 2, and half octaves have one in between
    assert model.low > 0


def test_a_small_layer_has_a_model_that_pays():
    """Noise alone makes sizes differ; what they would save does not pay for their models."""
    generator = np.random.default_rng(5)
    for shape in [(16, 8, 9), (9, 1, 25), (1, 7, 9), (30, 40, 1)]:
        model = fit_model(codes_of(shape, seed=generator.integers(99)), MAGNITUDES)
        assert model.models == 1, shape
