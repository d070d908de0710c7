"""Whole multiples of a power of two: what is written, what it takes, what is refused."""

import numpy as np
import pytest
import second_decoder

from pocketvlad.format import whole_multiples
from pocketvlad.format.error import FormatError

GENERATOR = np.random.default_rng(4)
SPREAD = np.round(GENERATOR.normal(3, 20, 900))
SPARSE = SPREAD * (GENERATOR.random(900) < 0.3)
TENSORS = {
    "around a middle": SPREAD * 2.0**-9,
    "mostly zeros": SPARSE * 2.0**-4,
    "zeros": np.zeros(20),
    "one": np.array([-0.75]),
    "large": np.array([2.0**24 - 1, -(2.0**24) + 1, 0, 1]) * 2.0**103,
    "small": np.array([3.0, -5, 0, 2.0**23]) * 2.0**-126,
    "two dimensions": np.arange(-6.0, 6).reshape(3, 4),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_both_decoders_read_what_is_written(kind):
    values = TENSORS[kind].astype(np.float32)
    payload = whole_multiples.encode(values)
    np.testing.assert_array_equal(whole_multiples.decode(payload, values.size), values.ravel())
    np.testing.assert_array_equal(second_decoder.read_multiples(payload, values.shape), values)


def entropy(numbers):
    _, counts = np.unique(numbers, return_counts=True)
    return -(counts * np.log2(counts / counts.sum())).sum()


def test_a_number_takes_little_more_than_its_entropy():
    size = len(whole_multiples.encode((SPREAD * 2.0**-9).astype(np.float32)))
    # A normal distribution of deviation 20; the tensor's own entropy is that of 900 numbers.
    bits = 900 * 0.5 * np.log2(2 * np.pi * np.e * 400)
    assert bits < 8 * size < bits + 0.4 * 900
    marked = 8 * len(whole_multiples.encode((SPARSE * 2.0**-4).astype(np.float32)))
    alive = SPARSE[SPARSE != 0]
    bits = len(alive) * 0.5 * np.log2(2 * np.pi * np.e * 400)
    assert bits < marked < 900 + bits + 0.4 * len(alive)


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.0, 2.0**-24]),  # 25 bits
        np.array([2.0**127, 2.0**-149]),
        np.array([2.0**-149]),  # a unit below the least
        np.zeros(0),
        np.zeros(65537),
    ],
)
def test_other_numbers_have_no_such_code(values):
    assert whole_multiples.encode(values.astype(np.float32)) is None


def payload(exponent=0, second=0, middle=0, bits="0"):
    bits += "0" * (-len(bits) % 8)
    written = bytes(int(bits[start : start + 8], 2) for start in range(0, len(bits), 8))
    head = exponent.to_bytes(1, "little", signed=True) + bytes([second])
    return head + middle.to_bytes(4, "little", signed=True) + written


def test_a_code_is_what_the_document_says():
    """Written by hand: f of 5, 0, 6 with k = 2, beside a middle of 10, in quarters."""
    made = payload(-2, 2, 10, "1001" + "000" + "1010")
    np.testing.assert_array_equal(whole_multiples.decode(made, 3), [7 / 4, 10 / 4, 13 / 4])
    # The same with zeros marked: zero, f of 1, zero.
    made = payload(-2, 128, 10, "0" + "110" + "0")
    np.testing.assert_array_equal(whole_multiples.decode(made, 3), [0, 9 / 4, 0])


@pytest.mark.parametrize(
    ("made", "count", "message"),
    [
        (b"", 1, "6 or more expected"),
        (payload()[:5], 1, "6 or more expected"),
        (payload(exponent=104), 1, "2\\^104"),
        (payload(exponent=-127), 1, "2\\^-127"),
        (payload(second=25), 1, "25 bits"),
        (payload(bits=""), 1, "end too early"),
        (payload(bits="1" * 8), 1, "end too early"),
        (payload(second=9), 1, "end too early"),
        (payload(second=128, bits="1" * 8), 1, "end too early"),
        (payload(bits="0" * 8), 9, "end too early"),
        (payload(second=128, bits="0" * 8), 9, "end too early"),
        (payload(bits="0" * 16), 8, "do not end"),
        (payload(bits="0" * 7 + "1"), 7, "do not end"),
        (payload(middle=1 << 24), 1, "16777216"),
        (payload(middle=-(1 << 24)), 1, "-16777216"),
        (payload(second=24, bits="1" * 40 + "0" * 32), 1, "a whole multiple of"),
        (payload(bits="0" * 65537), 65537, "at most 65536"),
    ],
)
def test_hostile_payloads_are_refused_by_both(made, count, message):
    with pytest.raises(FormatError, match=message):
        whole_multiples.decode(made, count)
    with pytest.raises(ValueError):  # noqa: PT011 its own messages
        second_decoder.read_multiples(made, (count,))
