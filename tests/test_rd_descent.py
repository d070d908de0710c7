"""Weights improved one at a time, against the objective spelt out."""

import numpy as np
import pytest
import torch

from pocketvlad.compression.rd.descent import descend, symbol_bits
from pocketvlad.compression.rd.rounding import to_multiples

MAX_MULTIPLE = 5


def layer(rows, inputs, seed=0):
    """Multiples rounded to the nearest, what they were, moments, the step: in double precision."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    seen = torch.from_numpy(generator.normal(size=(3 * inputs, inputs)) @ mixing)
    best = torch.from_numpy(generator.normal(size=(rows, inputs)))
    step = 1.2
    return to_multiples(best, step, MAX_MULTIPLE), best, seen.t() @ seen / len(seen), step


def objective(multiples, best, moments, step, multiplier, bits, models):
    """[R] e H e' and multiplier times bits, of each row, from whole matrices."""
    error = best - multiples * step
    paid = bits[models, (multiples + MAX_MULTIPLE).astype(int)].sum(axis=1)
    return ((error @ moments) * error).sum(axis=1) + multiplier * paid


def one_sweep(multiples, best, moments, step, multiplier, bits, models):
    """Each weight in turn tries every multiple beside its best place, zero, and its own."""
    multiples = multiples.copy()
    for row in range(len(multiples)):
        here = slice(row, row + 1)
        for column in range(multiples.shape[1]):
            error = best[row] - multiples[row] * step
            error[column] = best[row, column]
            # Where the derivative by this weight alone vanishes.
            place = (error @ moments[:, column]) / (moments[column, column] * step)
            tried = {multiples[row, column], 0, np.floor(place), np.floor(place) + 1}
            costs = {}
            for value in np.clip(sorted(tried), -MAX_MULTIPLE, MAX_MULTIPLE):
                changed = multiples[here].copy()
                changed[0, column] = value
                given = (best[here], moments, step, multiplier, bits, models[here])
                costs[value] = objective(changed, *given)[0]
            multiples[row, column] = min(costs, key=costs.get)
    return multiples


def test_bits_of_symbols_by_hand():
    """Alike in all rows and places, so that one model is the cheapest."""
    multiples = torch.tensor([[0.0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1], [1, 0, -1, 0]])
    bits, models = symbol_bits(multiples.double(), 2, MAX_MULTIPLE)
    assert bits.shape == (1, 2 * MAX_MULTIPLE + 1)
    assert models.equal(torch.zeros(4, 4, dtype=torch.long))
    # What does not occur counts as a twentieth of a symbol: 16 symbols and 11 twentieths.
    assert bits[0, MAX_MULTIPLE].item() == pytest.approx(np.log2(16.55 / 8.05))
    assert bits[0, MAX_MULTIPLE + 1].item() == pytest.approx(np.log2(16.55 / 4.05))
    assert bits[0, MAX_MULTIPLE - 1].item() == pytest.approx(np.log2(16.55 / 4.05))
    assert bits[0, 0].item() == pytest.approx(np.log2(16.55 / 0.05))


def test_larger_symbols_have_models_of_their_own():
    generator = torch.Generator().manual_seed(3)
    large = torch.tensor([0.3, 3.0]).repeat(100)[:, None]  # every other row
    places = torch.tensor([2.0, 1.0, 0.2]).repeat(20)  # three of each of twenty inputs
    drawn = torch.randn(200, 60, generator=generator) * large * places
    multiples = drawn.round().clamp(-MAX_MULTIPLE, MAX_MULTIPLE).double()
    bits, models = symbol_bits(multiples, 3, MAX_MULTIPLE)
    taken = models.reshape(100, 2, 20, 3)
    # Rows are ten times as large, places half and a fifth: of symbols in whole numbers.
    assert (taken[:, 0].amax(dim=0) < taken[:, 1].amin(dim=0))[:, :2].all()
    assert taken[..., 2].max() < taken[..., 1].max() < taken[..., 0].max()
    symbols = (multiples + MAX_MULTIPLE).long()
    own = bits[models, symbols].sum()
    counts = torch.bincount(symbols.flatten(), minlength=2 * MAX_MULTIPLE + 1)
    together = -(counts * torch.log2((counts + 0.05) / counts.sum())).sum()
    assert own < 0.8 * together


@pytest.mark.parametrize("inputs", [40, 140])  # 140: more columns than a block
def test_a_sweep_is_the_best_single_changes_one_after_the_other(inputs):
    multiples, best, moments, step = layer(3, inputs)
    multiplier = 0.1
    bits, models = symbol_bits(multiples, 2, MAX_MULTIPLE)
    given = best.numpy(), moments.numpy(), step, multiplier, bits.numpy(), models.numpy()
    expected = one_sweep(multiples.numpy(), *given)
    found = descend(multiples, best, moments, step, multiplier, 2, MAX_MULTIPLE, 1)
    np.testing.assert_array_equal(found.numpy(), expected)
    before, after = (objective(each.numpy(), *given) for each in (multiples, found))
    assert (after < before).all()


def test_groups_move_each_by_their_own_moments_and_pay_by_the_models_of_the_layer():
    groups = [layer(2, 140, seed) for seed in range(3)]
    multiples, best, moments = (torch.stack([each[part] for each in groups]) for part in range(3))
    step, multiplier = groups[0][3], 0.1
    bits, models = symbol_bits(torch.cat([each[0] for each in groups]), 2, MAX_MULTIPLE)
    found = descend(multiples, best, moments, step, multiplier, 2, MAX_MULTIPLE, 1)
    for number, (start, wanted, own, _) in enumerate(groups):
        rows = models[2 * number : 2 * number + 2].numpy()
        given = wanted.numpy(), own.numpy(), step, multiplier, bits.numpy(), rows
        expected = one_sweep(start.numpy(), *given)
        np.testing.assert_array_equal(found[number].numpy(), expected)


def test_errors_fall_from_afar_and_a_weight_never_leaves_the_range():
    multiples, best, moments, step = layer(4, 30, seed=1)
    far = torch.full_like(multiples, MAX_MULTIPLE)
    given = (best, moments, step, 0.0, 1, MAX_MULTIPLE)
    free = np.zeros((1, 2 * MAX_MULTIPLE + 1)), np.zeros((4, 30), dtype=int)
    errors = [
        objective(each.numpy(), best.numpy(), moments.numpy(), step, 0.0, *free)
        for each in (far, descend(far, *given, 1), descend(far, *given, 20))
    ]
    assert (errors[1] < 0.2 * errors[0]).all()
    assert (errors[2] < errors[1]).all()
    assert descend(far, 100 * best, *given[1:], 3).abs().max() == MAX_MULTIPLE


def test_bits_have_their_price():
    multiples, best, moments, step = layer(6, 60, seed=2)

    def bits_and_error(multiplier):
        found = descend(multiples, best, moments, step, multiplier, 1, MAX_MULTIPLE, 6)
        shares = np.unique(found.numpy(), return_counts=True)[1] / found.numel()
        error = best - found * step
        return -(shares * np.log2(shares)).sum(), float(((error @ moments) * error).sum())

    free, cheap, dear = (bits_and_error(multiplier) for multiplier in (0.0, 0.2, 1.0))
    assert free[0] > cheap[0] > dear[0]
    assert free[1] < cheap[1] < dear[1]
    assert descend(multiples, best, moments, step, 1.0, 1, MAX_MULTIPLE, 0).equal(multiples)
