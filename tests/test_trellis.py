"""Layers on the trellis: every path of it comes back, and nothing else is read or written."""

import struct
from dataclasses import replace

import numpy as np
import pytest
import second_decoder
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compressed_file import packed
from test_golden import on_trellis, side_information

from pocketvlad.compression.rd.multiples import from_multiples
from pocketvlad.format import rans, trellis
from pocketvlad.format.error import FormatError
from pocketvlad.format.layer_coding import decode_layer, encode_layer, side_information_bytes
from pocketvlad.format.symbol_model import coded_bits


def symbols(rows=3, columns=40, most=4, seed=0):
    return np.random.default_rng(seed).integers(0, 2 * most + 1, (rows, columns)).astype(np.uint8)


def test_each_state_has_two_ways_in_and_two_ways_out():
    """By one even and one odd place each, so that no path is worth more than another."""
    for parity in (0, 1):
        assert sorted(trellis.FOLLOWING[:, parity]) == list(range(8))
    assert (trellis.FOLLOWING[:, 0] != trellis.FOLLOWING[:, 1]).all()


def test_multiples_of_symbols_by_hand():
    """In states 0, 2, 1, 5, 6 and 1: even multiples in those of even number, else odd ones."""
    places = [1, -2, -2, 1, 1, 3]
    found = trellis.to_multiples(trellis.symbols_of_places(np.array([places])))
    np.testing.assert_array_equal(found, [[2, -4, -3, 1, 2, 5]])
    again, quantizers = trellis.to_places(found)
    np.testing.assert_array_equal(again, [places])
    np.testing.assert_array_equal(quantizers, [[0, 0, 1, 1, 0, 1]])


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 5), st.integers(1, 60), st.integers(1, 127), st.integers(0, 99))
def test_all_symbols_come_back(rows, columns, most, seed):
    drawn = symbols(rows, columns, most, seed)
    places, _ = trellis.to_places(trellis.to_multiples(drawn))
    np.testing.assert_array_equal(trellis.symbols_of_places(places), drawn)
    np.testing.assert_array_equal(trellis.magnitudes(drawn), np.abs(places))


def test_what_is_not_on_the_trellis_is_not_written():
    multiples = np.array([[2, 0, 0], [0, 0, 1]], np.int16)
    with pytest.raises(ValueError, match="row 1, weight 2: 1 is not on the trellis"):
        encode_layer(from_multiples(multiples, 1.0, on_trellis=True))


@pytest.mark.parametrize("numba", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (7,), (40, 90), (12, 5, 3, 3), (25, 1, 5, 5)])
def test_a_layer_comes_back(shape, numba, monkeypatch):
    monkeypatch.setattr(rans, "installed", lambda name: numba)
    layer = on_trellis(np.random.default_rng(3), shape if len(shape) > 1 else (*shape, 1))
    payload = encode_layer(layer)
    found = decode_layer(payload, layer.codes.shape)
    np.testing.assert_array_equal(found.codes, layer.codes)
    np.testing.assert_array_equal(found.dequantize(), layer.dequantize())
    assert found.on_trellis == layer.on_trellis
    assert encode_layer(found) == payload
    codes, values = second_decoder.read_symbols(payload, layer.codes.shape)
    np.testing.assert_array_equal(codes, layer.codes)
    np.testing.assert_array_equal(values, layer.dequantize())


def test_levels_that_no_code_uses_any_more_stay_possible():
    """Rows are cleared when nothing reads them any more; here those of the largest places."""
    layer = on_trellis(np.random.default_rng(3), (40, 90))
    codes = layer.codes.copy()
    codes[np.abs(layer.multiples()).max(axis=1) > 12] = 0
    assert 0 < codes.any(axis=1).sum() < 40
    cleared = replace(layer, codes=codes)
    payload = encode_layer(cleared)
    np.testing.assert_array_equal(decode_layer(payload, (40, 90)).codes, codes)
    np.testing.assert_array_equal(second_decoder.read_symbols(payload, (40, 90))[0], codes)


def test_zeros_need_no_trellis():
    layer = from_multiples(np.zeros((4, 50), np.int16), 1.0, on_trellis=True)
    assert not layer.on_trellis
    np.testing.assert_array_equal(decode_layer(encode_layer(layer), (4, 50)).codes, layer.codes)


def test_the_size_is_the_entropy_of_both_quantizers():
    """Small places in states of even number, large ones in the others: counted apart."""
    generator = np.random.default_rng(1)
    multiples = np.zeros((60, 800), np.int16)
    bits, counts = 0.0, np.zeros((2, 4))
    for row in multiples:
        state = 0
        for column in range(len(row)):
            shares = [[0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4]][state % 2]
            size = generator.choice(4, p=shares)
            place = size * (1 if generator.random() < 0.5 else -1)
            row[column] = 2 * place - np.sign(place) * (state % 2)
            counts[state % 2, size] += 1
            bits += size > 0
            state = second_decoder.AFTER[state][size % 2]
    shares = counts / counts.sum(axis=1, keepdims=True)
    bits -= (counts * np.log2(shares)).sum()
    layer = from_multiples(multiples, 0.5, on_trellis=True)
    assert coded_bits(layer) == pytest.approx(bits, rel=0.002)
    size = len(encode_layer(layer)) - side_information_bytes(layer)
    assert size == pytest.approx(bits / 8, rel=0.003)


def side_of(layer):
    return side_information(encode_layer(layer))


def changed(place, written):
    return lambda side: side[:place] + written + side[place + len(written) :]


FREQUENCIES = 3 + 8 + 2 + 9 + 40 + 1  # flags, levels, ends, models, sizes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed(1, struct.pack("<H", 3)), "3 levels on the trellis"),
        (changed(1, struct.pack("<H", 7)), "7 levels on the trellis"),
        (changed(1, struct.pack("<H", 255)), "255 levels on the trellis"),
        (changed(1, struct.pack("<H", 513)), "513 levels on the trellis"),
        (changed(0, b"\x31"), "kind of codebook 49"),
        (changed(0, b"\x01"), "numbers expected|sum to|too many"),
        (changed(FREQUENCIES, b"\x01"), "frequencies sum to .*, not 32768"),
        (lambda side: side[:-1], "numbers expected"),
        (lambda side: side + b"\0", "too many"),
    ],
)
def test_bad_side_information_is_refused(change, message):
    layer = on_trellis(np.random.default_rng(0), (9, 40), 0.8, 2)
    side, coded = side_of(layer)
    assert side[:3] == b"\x11\x09\x00"  # a grid of nine levels, on the trellis
    decode_layer(packed(side) + coded, (9, 40))
    payload = packed(change(side)) + coded
    with pytest.raises(FormatError, match=message):
        decode_layer(payload, (9, 40))
    with pytest.raises(ValueError):  # noqa: PT011
        second_decoder.read_symbols(payload, (9, 40))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_changed_layers_are_read_alike_or_refused(data):
    """By the library and the second decoder; levels are never beyond those that there are."""
    layer = on_trellis(np.random.default_rng(0), (9, 40), 0.8, 2)
    side, coded = map(bytearray, side_of(layer))
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from([side, coded]))
        place = data.draw(st.integers(0, len(part) - 1))
        part[place : place + 1] = data.draw(st.binary(max_size=2))
    payload = packed(bytes(side)) + bytes(coded)
    try:
        found = decode_layer(payload, (9, 40))
    except FormatError:
        with pytest.raises(ValueError):  # noqa: PT011
            second_decoder.read_symbols(payload, (9, 40))
        return
    assert found.codes.max() < len(found.codebook)
    np.testing.assert_array_equal(found.codes, second_decoder.read_symbols(payload, (9, 40))[0])
