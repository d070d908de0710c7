"""Entropy coding of one layer's symbols by interleaved asymmetric numeral systems (rANS).

Duda, "Asymmetric numeral systems", arXiv:1311.2540 (2013), range variant, with static models that
take turns with the symbols (in most layers one). A state of 64 bits gives off words of 32 bits, so
that a symbol costs at most one word and no loop. Four states take turns, too (Giesen,
arXiv:1402.3392, 2014), so that a processor can work on all of them at once.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from pocketvlad.format_error import FormatError

PRECISION = 16
TOTAL = 1 << PRECISION
"""What a model's frequencies sum to."""
MOST_SYMBOLS = 256

_LANES = 4
_LOWEST = 1 << 31  # between symbols a state lies in [2^31, 2^63)
STATE_BYTES = 8 * _LANES

ONE_CLASS = np.zeros(1, dtype=np.uint8)
"""All symbols by one model."""

# As 64-bit unsigned numbers: numba would make signed ones, or floats, of mixed arithmetic.
_MASK = np.uint64(TOTAL - 1)
_SHIFT = np.uint64(PRECISION)
_WORD_SHIFT = np.uint64(32)
_WORD_MASK = np.uint64(0xFFFFFFFF)
_FULL_SHIFT = np.uint64(63 - PRECISION)
_LEAST = np.uint64(_LOWEST)


def model_frequencies(counts: np.ndarray) -> np.ndarray:
    """Frequencies [L] that sum to `TOTAL`, close to the shares of `counts` [L].

    Every symbol that occurs gets at least one. What rounding leaves over or lacks goes where it
    changes the coded length least.

    Raises:
        ValueError: nothing is counted, or there are more than `MOST_SYMBOLS` symbols.
    """
    if not 1 <= len(counts) <= MOST_SYMBOLS or counts.sum() == 0:
        raise ValueError(f"counts of {len(counts)} symbols, {counts.sum()} in total: cannot model")
    shares = counts * (TOTAL / counts.sum())
    frequencies = np.maximum(np.floor(shares), counts > 0).astype(np.int64)
    occurring = np.flatnonzero(counts)
    while (rest := TOTAL - int(frequencies.sum())) != 0:
        step = 1 if rest > 0 else -1
        able = occurring if rest > 0 else occurring[frequencies[occurring] > 1]
        # Change of the coded length, in nats, if the symbol's frequency moves by one step.
        change = -counts[able] * np.log1p(step / frequencies[able])
        best = able[np.argsort(change, kind="stable")[: abs(rest)]]
        frequencies[best] += step
    return frequencies


def _compiled(function: Callable) -> Callable:
    """Compiled on first use, and kept beside the module where that may be written to."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's is writable
        return njit(nogil=True)(function)


@_compiled
def _encode(symbols, offsets, frequencies, starts, states, words):
    """Fill `words` from its end and return where it begins: decoding reverses the order."""
    begin = len(words)
    turn = (len(symbols) - 1) % len(offsets)
    for position in range(len(symbols) - 1, -1, -1):
        lane = position & 3
        symbol = offsets[turn] + symbols[position]
        turn = turn - 1 if turn else len(offsets) - 1
        frequency = frequencies[symbol]
        state = states[lane]
        if state >= frequency << _FULL_SHIFT:
            begin -= 1
            words[begin] = np.uint32(state & _WORD_MASK)
            state >>= _WORD_SHIFT
        quotient = state // frequency
        rest = state - quotient * frequency
        states[lane] = (quotient << _SHIFT) + rest + starts[symbol]
    return begin


@_compiled
def _decode(words, used, tables, classes, frequencies, starts, states, symbols):
    """Fill `symbols` and return how many words are used now, or -1 if they do not suffice."""
    levels = len(frequencies) // len(tables)
    turn = 0
    for position in range(len(symbols)):
        lane = position & 3
        state = states[lane]
        slot = state & _MASK
        own = classes[turn]
        turn = turn + 1 if turn + 1 < len(classes) else 0
        symbol = tables[own, slot]
        symbols[position] = symbol
        symbol += own * levels
        state = frequencies[symbol] * (state >> _SHIFT) + slot - starts[symbol]
        if state < _LEAST:
            if used >= len(words):
                return -1
            state = (state << _WORD_SHIFT) | np.uint64(words[used])
            used += 1
        states[lane] = state
    return used


def _models(frequencies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frequencies, first slots) of each symbol, model after model, as the coder takes them."""
    starts = np.cumsum(frequencies, axis=1) - frequencies
    return frequencies.ravel().astype(np.uint64), starts.ravel().astype(np.uint64)


def encode(symbols: np.ndarray, frequencies: np.ndarray, classes: np.ndarray = ONE_CLASS) -> bytes:
    """`symbols` [N] uint8 as bytes: four states, then words.

    Args:
        frequencies: [C, L], each row as `model_frequencies` makes them; above zero for all that
            occurs.
        classes: [K] uint8 below C: symbol i is coded by model `classes[i % K]`.
    """
    states = np.full(_LANES, _LOWEST, dtype=np.uint64)
    # A symbol gives off a word at most.
    words = np.empty(len(symbols), dtype=np.uint32)
    offsets = classes.astype(np.int64) * frequencies.shape[1]
    begin = _encode(symbols, offsets, *_models(frequencies), states, words)
    return states.astype("<u8").tobytes() + words[begin:].astype("<u4").tobytes()


def decode(
    data: bytes | memoryview,
    frequencies: np.ndarray,
    count: int,
    classes: np.ndarray = ONE_CLASS,
) -> np.ndarray:
    """`count` symbols as uint8, the inverse of `encode`.

    Raises:
        FormatError: `data` is not what `encode` makes of so many symbols.
    """
    if len(data) < STATE_BYTES or (len(data) - STATE_BYTES) % 4:
        raise FormatError(f"{len(data)} bytes of symbols have no whole number of words")
    states = np.frombuffer(data, "<u8", _LANES).astype(np.uint64)
    words = np.frombuffer(data, "<u4", offset=STATE_BYTES)
    if len(words) > count:
        raise FormatError(f"{len(words)} words for {count} symbols: at most one each is possible")
    if (states < _LOWEST).any() or (states >= 1 << 63).any():
        raise FormatError("a state of the symbols is out of range")
    levels = np.arange(frequencies.shape[1], dtype=np.uint8)
    tables = np.stack([np.repeat(levels, each) for each in frequencies])
    symbols = np.empty(count, dtype=np.uint8)
    used = _decode(
        words, 0, tables, classes.astype(np.int64), *_models(frequencies), states, symbols
    )
    # The encoder began with the lowest states: whatever else the decoder ends with is damage.
    if used != len(words) or (states != _LOWEST).any():
        raise FormatError("the symbols do not end where their words do")
    return symbols
