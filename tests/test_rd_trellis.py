"""Rows brought onto the trellis, against every path there is."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest
import second_decoder
import torch
from torch import nn

from pocketvlad.compression.paired_layers import PairedConvolution
from pocketvlad.compression.rd import trellis_rounding
from pocketvlad.compression.rd.convolution import AllowedErrors, round_convolution
from pocketvlad.compression.rd.rounding import feedback
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.trellis_rounding import round_on_trellis
from pocketvlad.compression.rd.trellis_search import ANY, search
from pocketvlad.format import trellis
from pocketvlad.format.layer_coding import encode_layer

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
    bits = generator.uniform(0.5, 3, (2, 2, 3)) + np.arange(3)
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
    given = np.zeros((1, 1)), np.eye(1), STEP, np.ones((2, 1, 129)), np.zeros((1, 1)), np.ones(1)
    with pytest.raises(ValueError, match="bits of 129 magnitudes; at most 128"):
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


def test_the_error_of_uncorrelated_weights_is_what_is_known_of_eight_states():
    """Of twice the step, squared, over 12: about 1.1 dB less (Marcellin & Fischer, IEEE Trans.
    Communications, 1990: for uniform sources)."""
    best = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 50, 200))) * 20 * STEP
    moments = torch.eye(200, dtype=torch.float64)[None]
    free = torch.zeros(1, 50, dtype=torch.float64)
    found = round_on_trellis(best, moments, best, moments, STEP, free, 1)
    gain = -10 * np.log10(float((best - STEP * found).square().mean()) / ((2 * STEP) ** 2 / 12))
    assert 0.95 < gain < 1.2


def test_bits_have_their_price_and_rows_stay_on_the_trellis():
    (found, error), (cheap, coarse) = (rounded(2, 60, 150, price) for price in (0.0, 0.05))
    assert coarse > error
    assert (cheap == 0).float().mean() > (found == 0).float().mean()
    for group in [*found, *cheap]:
        trellis.to_places(group.numpy())


def test_each_window_lowers_error_and_price_of_bits_and_changes_nothing_else():
    """Against the objective spelt out, with the same models before and after."""
    generator = np.random.default_rng(4)
    mixing = torch.from_numpy(generator.normal(size=(90, 70)))
    moments = mixing.T @ mixing / 90 + 0.05 * torch.eye(70)
    best = torch.from_numpy(generator.normal(size=(20, 70)))
    price = np.full(20, 0.03)
    group = trellis_rounding._Group(best, moments, best, feedback(moments), price)
    bits = generator.uniform(0.5, 1, (2, 1, 128)) * np.arange(1, 129)
    rates = trellis_rounding._Rates(bits, np.zeros((20, 70), int))
    rows = group.in_order(STEP, rates)

    def objective():
        missed = best.numpy() - STEP * rows.multiples
        error = ((missed @ moments.numpy()) * missed).sum(axis=1)
        places, quantizers = trellis.to_places(rows.multiples)
        np.testing.assert_array_equal(places, rows.places)
        return error + price * bits[quantizers, 0, np.abs(places)].sum(axis=1)

    first = before = objective()
    for size, offset in ((16, 0), (16, 8), (70, 0)):
        group.again(rows, STEP, rates, size, offset)
        now = objective()
        assert (now <= before * (1 + 1e-6)).all()
        before = now
    assert before.mean() < 0.998 * first.mean()


def test_no_weight_leaves_what_a_file_holds():
    found, _ = rounded(1, 8, 40, multiplier=0.01, most=1000.0)
    assert found.abs().max() == 2 * trellis.MAX_PLACE
    trellis.to_places(found[0].numpy())


@torch.no_grad()
def test_a_convolution_takes_fewer_bits_at_the_same_error():
    """A 1 x 1 convolution of 192 inputs, many of them alike, that of single weights between two
    errors."""
    generator = torch.Generator().manual_seed(3)
    mixing = torch.randn(40, 192, generator=generator) / 6
    maps = torch.randn(64, 8, 8, 40, generator=generator) @ mixing
    maps = maps + 0.1 * torch.randn(maps.shape, generator=generator)
    given = [maps.movedim(3, 1).contiguous()]
    original = nn.Conv2d(192, 96, 1)
    original.weight.copy_(torch.randn(original.weight.shape, generator=generator) / 14)
    settings = RoundingSettings(patches=4096)

    def rates(error, trellis):
        layer = copy.deepcopy(original)
        pair = PairedConvolution("layer", layer, original, given, [original(given[0])])
        allowed = AllowedErrors(torch.full((96,), error, dtype=torch.float64), 1e-9)
        drawn = torch.Generator().manual_seed(0)
        quantized = round_convolution(pair, allowed, replace(settings, trellis=trellis), drawn)
        assert quantized.on_trellis == trellis
        missed = float((layer(given[0]) - original(given[0])).square().mean())
        return np.log(missed), 8 * len(encode_layer(quantized)) / quantized.codes.size

    (fine, most), (coarse, least) = (rates(error, False) for error in (1e-5, 4e-5))
    error, found = rates(2e-5, True)
    assert fine < error < coarse
    plain = np.interp(error, [fine, coarse], [most, least])
    assert 1 < plain < 4
    assert found < 0.97 * plain
