"""Rows brought onto the trellis, against every path there is."""

import itertools

import numpy as np
import pytest
import second_decoder
import torch

from pocketvlad.compression.rd.rounding import feedback
from pocketvlad.compression.rd.trellis_rounding import round_on_trellis
from pocketvlad.compression.rd.trellis_search import ANY, search
from pocketvlad.format import trellis

STEP = 0.7


def paths(columns, most, begin=0):
    """(places, multiples, quantizers, last state) of each row there may be, by the document."""
    for places in itertools.product(range(-most, most + 1), repeat=columns):
        state, multiples, quantizers = begin, [], []
        for place in places:
            multiples.append(2 * place - np.sign(place) * (state % 2))
            quantizers.append(state % 2)
            state = second_decoder.AFTER[state][place % 2]
        yield np.array(places), np.array(multiples), np.array(quantizers), state


def problem(rows, columns, seed, mixed=0.0):
    """(weights wanted, moments, bits of magnitudes 0 to 2, models, prices)"""
    generator = np.random.default_rng(seed)
    mixing = np.diag(generator.uniform(0.5, 2, columns))
    mixing += mixed * generator.normal(size=(columns, columns))
    bits = generator.uniform(0.5, 3, (2, 2, 3)) + [0, 1, 2]
    models = generator.integers(0, 2, (rows, columns))
    wanted = generator.normal(size=(rows, columns)) * STEP * 1.5
    return wanted, mixing.T @ mixing, bits, models, generator.uniform(0.05, 0.3, rows)


def cost_of(path, wanted, moments, bits, models, price):
    places, multiples, quantizers, _ = path
    missed = wanted - STEP * multiples
    return missed @ moments @ missed + price * bits[quantizers, models, np.abs(places)].sum()


@pytest.mark.parametrize("begin", [0, 3])
@pytest.mark.parametrize("end", [ANY, 0, 5])
def test_the_search_finds_the_best_of_all_paths(begin, end):
    """Where errors of weights do not depend on one another."""
    wanted, moments, bits, models, prices = problem(4, 5, seed=begin)
    factor = feedback(torch.from_numpy(moments)).numpy()
    ends = np.full(4, begin), np.full(4, end)
    found, costs = search(wanted, factor, STEP, bits, models, prices, *ends)
    for row in range(4):
        given = wanted[row], moments, bits, models[row], prices[row]
        possible = [each for each in paths(5, 2, begin) if end in (ANY, each[3])]
        best = min(possible, key=lambda path: cost_of(path, *given))
        np.testing.assert_array_equal(found[row], best[0])
        assert costs[row] == pytest.approx(cost_of(best, *given), rel=1e-5)


def test_costs_are_those_of_whole_rows_and_close_to_the_best():
    """Where errors depend on one another, the survivors are eight of many."""
    wanted, moments, bits, models, prices = problem(30, 5, seed=2, mixed=0.4)
    factor = feedback(torch.from_numpy(moments)).numpy()
    anywhere = np.zeros(30, int), np.full(30, ANY)
    found, costs = search(wanted, factor, STEP, bits, models, prices, *anywhere)
    every, best = list(paths(5, 2)), []
    by_places = {tuple(path[0]): path for path in every}
    for row in range(30):
        given = wanted[row], moments, bits, models[row], prices[row]
        own = cost_of(by_places[tuple(found[row])], *given)
        assert costs[row] == pytest.approx(own, rel=1e-4)
        best.append(min(cost_of(path, *given) for path in every))
    assert (np.array(best) <= costs * (1 + 1e-5)).all()
    assert costs.sum() < 1.03 * np.sum(best)


def test_where_no_path_ends_costs_are_infinite():
    """One place from state 0 leads to states 0 and 2 alone."""
    given = np.zeros((2, 1)), np.eye(1), STEP, np.ones((2, 1, 3)), np.zeros((2, 1)), np.ones(2)
    _, costs = search(*given, np.zeros(2), np.array([2, 1]))
    assert np.isfinite(costs).tolist() == [True, False]


def test_more_places_than_a_file_has_are_refused():
    given = np.zeros((1, 1)), np.eye(1), STEP, np.ones((2, 1, 65)), np.zeros((1, 1)), np.ones(1)
    with pytest.raises(ValueError, match="bits of 65 magnitudes; at most 64"):
        search(*given, np.zeros(1), np.zeros(1))


def rounded(groups, rows, columns, multiplier, seed=0, most=1.0):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(groups, columns, columns)) / np.sqrt(columns)
    seen = generator.normal(size=(groups, 3 * columns, columns)) @ mixing
    moments = torch.from_numpy(np.swapaxes(seen, 1, 2) @ seen / (3 * columns))
    moments += 0.05 * torch.eye(columns)
    best = torch.from_numpy(generator.normal(size=(groups, rows, columns))) * most
    prices = torch.full((groups, rows), multiplier, dtype=torch.float64)
    found = round_on_trellis(best, moments, best, feedback(moments), STEP, prices, 1)
    missed = best - STEP * found
    return found, float(((missed @ moments) * missed).sum() / found.numel())


def test_rows_are_on_the_trellis_and_closer_than_twice_the_step_allows():
    """Multiples of twice the step have errors of a twelfth of its square, times what later columns
    leave of the moments; a trellis of eight states makes 0.78 of that (Marcellin & Fischer 1990:
    1.1 of at most 1.53 dB), and more columns to choose from less again."""
    found, error = rounded(2, 60, 150, multiplier=0.0)
    for group in found:
        trellis.to_places(group.numpy())
    moments_left = error / ((2 * STEP) ** 2 / 12)
    _, coarse = rounded(2, 60, 150, multiplier=0.05)
    assert coarse > error
    assert 0 < moments_left < 1


def test_no_weight_leaves_what_a_file_holds():
    found, _ = rounded(1, 8, 40, multiplier=0.01, most=1000.0)
    assert found.abs().max() == 2 * trellis.MAX_PLACE
    trellis.to_places(found[0].numpy())
