"""Models of symbols by size: which they are, what they cost, and that they pay."""

import numpy as np
import pytest

from pocketvlad.symbol_model import (
    MOST_MODELS,
    MOST_SIZE,
    SymbolModel,
    by_axes,
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
    assert not model.lines.any()
    assert not model.places.any()
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
    assert not any(each.any() for each in (model.rows, model.lines, model.places))


def test_a_layer_of_zeros_and_one_of_rows_of_zeros():
    zeros = np.full((3, 4, 1), LEVELS // 2, dtype=np.uint8)
    assert bits(fit_model(zeros, MAGNITUDES), zeros) == 0
    codes = codes_of((40, 500, 1), rows=np.repeat([0.0, 3.0], 20))
    model = fit_model(codes, MAGNITUDES)
    others = np.bincount(codes[20:].ravel(), minlength=LEVELS)
    assert bits(model, codes) == pytest.approx(entropy_bits(others[None]), rel=0.01)


def test_sizes_far_apart_stay_within_what_a_file_may_hold():
    magnitudes = np.array([0, 1e-30, 1, 1e30], dtype=np.float32)
    codes = np.random.default_rng(0).integers(0, 4, (30, 40, 9)).astype(np.uint8)
    codes[:10] = 1
    codes[10:20] = 2
    codes[:, :20] = np.minimum(codes[:, :20], 1)
    model = fit_model(codes, magnitudes)
    for sizes in (model.rows, model.lines, model.places):
        assert sizes.max() <= MOST_SIZE
    assert 1 <= model.models <= MOST_MODELS
    assert 0 <= model.low <= 3 * MOST_SIZE
