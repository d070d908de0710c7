"""Weights improved one at a time, against the objective spelt out."""

import numpy as np
import pytest
import torch

from pocketvlad.rd.descent import descend, symbol_bits
from pocketvlad.rd.rounding import to_multiples

MOST = 5


def layer(rows, inputs, seed=0):
    """Multiples rounded to the nearest, what they were, moments, steps: in double precision."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    seen = torch.from_numpy(generator.normal(size=(3 * inputs, inputs)) @ mixing)
    best = torch.from_numpy(generator.normal(size=(rows, inputs)))
    step = torch.from_numpy(generator.uniform(0.5, 2, size=(rows, 1)))
    return to_multiples(best, step, MOST), best, seen.t() @ seen / len(seen), step


def objective(multiples, best, moments, step, price, bits):
    """[R] e H e' and price times bits, of each row, from whole matrices."""
    error = best - multiples * step
    columns = np.arange(multiples.shape[1])
    paid = bits[columns, (multiples + MOST).astype(int)].sum(axis=1)
    return ((error @ moments) * error).sum(axis=1) + price * paid


def one_sweep(multiples, best, moments, step, price, bits):
    """Each weight in turn tries every multiple beside its best place, zero, and its own."""
    multiples = multiples.copy()
    for row in range(len(multiples)):
        here = slice(row, row + 1)
        for column in range(multiples.shape[1]):
            error = best[row] - multiples[row] * step[row]
            error[column] = best[row, column]
            # Where the derivative by this weight alone vanishes.
            place = (error @ moments[:, column]) / (moments[column, column] * step[row, 0])
            tried = {multiples[row, column], 0, np.floor(place), np.floor(place) + 1}
            costs = {}
            for value in np.clip(sorted(tried), -MOST, MOST):
                changed = multiples[here].copy()
                changed[0, column] = value
                given = (best[here], moments, step[here], price[here], bits)
                costs[value] = objective(changed, *given)[0]
            multiples[row, column] = min(costs, key=costs.get)
    return multiples


def test_bits_of_symbols_by_hand():
    multiples = torch.tensor([[0.0, 1, 0, 5], [0, 1, -1, 5], [0, 0, 0, 5], [0, 0, 0, 5]])
    bits = symbol_bits(multiples.double(), torch.tensor([0, 1, 0, 1]), MOST).numpy()
    assert bits.shape == (2, 2 * MOST + 1)
    # What does not occur counts as a twentieth of a symbol: 8 of a class and 11 twentieths.
    assert bits[0, MOST] == pytest.approx(np.log2(8.55 / 7.05))
    assert bits[0, MOST - 1] == pytest.approx(np.log2(8.55 / 1.05))
    assert bits[1, MOST + 1] == pytest.approx(np.log2(8.55 / 2.05))
    assert bits[1, 2 * MOST] == pytest.approx(np.log2(8.55 / 4.05))
    assert bits[1, 0] == pytest.approx(np.log2(8.55 / 0.05))


@pytest.mark.parametrize("inputs", [40, 140])  # 140: more columns than a block
def test_a_sweep_is_the_best_single_changes_one_after_the_other(inputs):
    multiples, best, moments, step = layer(3, inputs)
    price = torch.tensor([0.01, 0.1, 0.5], dtype=torch.float64)
    classes = torch.arange(inputs) % 3
    bits = symbol_bits(multiples, classes, MOST)[classes].numpy()
    given = [each.numpy() for each in (best, moments, step, price)]
    expected = one_sweep(multiples.numpy(), *given, bits)
    found = descend(multiples, best, moments, step, price, classes, MOST, 1)
    np.testing.assert_array_equal(found.numpy(), expected)
    before, after = (objective(each.numpy(), *given, bits) for each in (multiples, found))
    assert (after < before).all()


def test_errors_fall_from_afar_and_a_weight_never_leaves_the_range():
    multiples, best, moments, step = layer(4, 30, seed=1)
    price = torch.zeros(4, dtype=torch.float64)
    classes = torch.zeros(30, dtype=torch.long)
    far = torch.full_like(multiples, MOST)
    given = (best, moments, step, price, classes, MOST)
    errors = [
        objective(each.numpy(), *(g.numpy() for g in given[:4]), np.zeros((30, 2 * MOST + 1)))
        for each in (far, descend(far, *given, 1), descend(far, *given, 20))
    ]
    assert (errors[1] < 0.2 * errors[0]).all()
    assert (errors[2] < errors[1]).all()
    assert descend(far, 100 * best, *given[1:], 3).abs().max() == MOST


def test_bits_have_their_price():
    multiples, best, moments, step = layer(6, 60, seed=2)
    classes = torch.zeros(60, dtype=torch.long)

    def bits_and_error(price):
        prices = torch.full((6,), price, dtype=torch.float64)
        found = descend(multiples, best, moments, step, prices, classes, MOST, 6)
        shares = np.unique(found.numpy(), return_counts=True)[1] / found.numel()
        error = best - found * step
        return -(shares * np.log2(shares)).sum(), float(((error @ moments) * error).sum())

    free, cheap, dear = (bits_and_error(price) for price in (0.0, 0.2, 1.0))
    assert free[0] > cheap[0] > dear[0]
    assert free[1] < cheap[1] < dear[1]
    assert descend(multiples, best, moments, step, step[:, 0], classes, MOST, 0).equal(multiples)
