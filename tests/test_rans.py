"""The entropy coder: what goes in comes out, at the size that Shannon allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pocketvlad.format import rans
from pocketvlad.format.error import FormatError
from pocketvlad.format.rans import Contexts


def one_model(count):
    """A row of `count` symbols without contexts."""
    return Contexts(np.zeros(1, dtype=np.int64), np.zeros(count, dtype=np.int64))


def coded(symbols, levels=256):
    frequencies = rans.model_frequencies(np.bincount(symbols, minlength=levels))
    data = rans.encode(symbols[None], frequencies[None], one_model(len(symbols)))
    return data, frequencies[None]


def decoded(data, frequencies, count):
    return rans.decode(data, frequencies, one_model(count))[0]


@settings(deadline=None, max_examples=200)
@given(arrays(np.uint8, st.integers(1, 300)))
def test_any_symbols_come_back(symbols):
    data, frequencies = coded(symbols)
    np.testing.assert_array_equal(decoded(data, frequencies, len(symbols)), symbols)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.97, 0.01, 0.01, 0.01], [0.999, 0.001]])
def test_the_size_is_the_entropy(shares):
    generator = np.random.default_rng(1)
    symbols = generator.choice(len(shares), 400_000, p=shares).astype(np.uint8)
    counts = np.bincount(symbols)
    bound = -(counts * np.log2(counts / counts.sum())).sum() / 8
    data, _ = coded(symbols, len(shares))
    assert bound <= len(data) <= 1.003 * bound + 36  # the states, and the last word


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 7), (400, 500)])
def test_each_model_costs_its_own_entropy(shape):
    """Rows and columns say which of three models codes a symbol; beyond the last it is the last."""
    generator = np.random.default_rng(2)
    rows = generator.integers(-1, 3, shape[0])
    columns = generator.integers(-1, 2, shape[1])
    shares = np.array([[0.5, 0.25, 0.25], [0.9, 0.1, 0.0], [0.01, 0.01, 0.98]])
    taken = np.clip(rows[:, None] + columns, 0, 2)
    draws = generator.random(shape)
    symbols = (draws[..., None] > np.cumsum(shares, axis=1)[taken]).sum(axis=2).astype(np.uint8)
    frequencies = np.stack([rans.model_frequencies(np.round(1e6 * each)) for each in shares])
    contexts = Contexts(rows, columns)
    data = rans.encode(symbols, frequencies, contexts)
    np.testing.assert_array_equal(rans.decode(data, frequencies, contexts), symbols)
    ideal = -np.log2(shares[taken, symbols]).sum() / 8
    assert abs(len(data) - 32 - ideal) <= 0.003 * ideal + 8


def test_one_symbol_alone_costs_nothing():
    data, frequencies = coded(np.full(1_000_000, 7, dtype=np.uint8))
    assert len(data) == 32
    assert (decoded(data, frequencies, 1_000_000) == 7).all()


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=256).filter(any))
def test_frequencies_sum_up_and_leave_out_nothing_that_occurs(counts):
    counts = np.array(counts)
    frequencies = rans.model_frequencies(counts)
    assert frequencies.sum() == 1 << 16
    np.testing.assert_array_equal(frequencies > 0, counts > 0)


def test_frequencies_cost_next_to_nothing_against_the_exact_shares():
    """Few of many symbols occur often: the rare ones' least frequency is a loss, and small."""
    counts = np.array([2**24, *[1] * 200, *[3000] * 55])
    shares = counts / counts.sum()
    exact = -(counts * np.log2(shares)).sum()
    ours = -(counts * np.log2(rans.model_frequencies(counts) / 2**16)).sum()
    assert ours <= 1.05 * exact
    # By hand: four symbols, 3 : 1 : 0 : 0 of 2^16.
    np.testing.assert_array_equal(
        rans.model_frequencies(np.array([3, 1, 0, 0])), [49152, 16384, 0, 0]
    )


def test_what_cannot_be_modelled_is_refused():
    with pytest.raises(ValueError, match="cannot model"):
        rans.model_frequencies(np.zeros(3, dtype=np.int64))
    with pytest.raises(ValueError, match="257 symbols"):
        rans.model_frequencies(np.ones(257, dtype=np.int64))


def test_damaged_data_is_refused():
    symbols = np.random.default_rng(2).integers(0, 9, 1000).astype(np.uint8)
    data, frequencies = coded(symbols)
    for damaged in (data[:20], data[:-4], data[:-1], data + bytes(4), bytes(len(data))):
        with pytest.raises(FormatError):
            decoded(damaged, frequencies, 1000)
    with pytest.raises(FormatError):
        decoded(data, frequencies, 999)
    with pytest.raises(FormatError, match="at most one"):
        decoded(data + bytes(4000), frequencies, 1000)
