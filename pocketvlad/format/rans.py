"""Entropy coding of one layer's symbols by interleaved asymmetric numeral systems (rANS).

Duda, "Asymmetric numeral systems", arXiv:1311.2540 (2013), range variant, with static models,
chosen by a symbol's row and column, and by the symbols before it in its row. A state of 64 bits
emits words of 32 bits, so a symbol takes at most one word and no loop. Four states take turns, too
(Giesen, arXiv:1402.3392, 2014), so that a processor can work on all of them at once.
"""

from dataclasses import dataclass

import numpy as np

from pocketvlad.format import rans_plain
from pocketvlad.format.error import FormatError
from pocketvlad.format.symbol_model import FREQUENCIES
from pocketvlad.util.compiled import compiled
from pocketvlad.util.installed import installed

TOTAL = FREQUENCIES
_PRECISION = TOTAL.bit_length() - 1
MAX_SYMBOLS = 256

_LANES = 4
_LOWEST = 1 << 31  # between symbols a state lies in [2^31, 2^63)
STATE_BYTES = 8 * _LANES


@dataclass(frozen=True)
class Machine:
    """Chooses among sets of models, all of the same size, by the symbols before in a row.

    following: [S, 256] uint8, the state after each symbol; rows begin in state 0.  sets: [S] uint8,
    the number of each state's set.
    """

    following: np.ndarray
    sets: np.ndarray


ONE_SET = Machine(np.zeros((1, MAX_SYMBOLS), np.uint8), np.zeros(1, np.uint8))
"""For models that do not depend on other symbols."""


@dataclass(frozen=True)
class Contexts:
    """The model of symbol (r, c): of the set that `machine` chooses, number rows[r] + columns[c],
    or the nearest of those that there are.

    rows: [R], columns: [C], signed.
    """

    rows: np.ndarray
    columns: np.ndarray
    machine: Machine = ONE_SET

    def begins(self, models: int) -> np.ndarray:
        """[S] The first model of each state's set, of so many in all sets."""
        return self.machine.sets.astype(np.int64) * self.size(models)

    def size(self, models: int) -> int:
        """How many models a set has, of so many in all sets."""
        return models // (int(self.machine.sets.max()) + 1)


# As 64-bit unsigned numbers: numba would make signed ones, or floats, of mixed arithmetic.
_MASK = np.uint64(TOTAL - 1)
_SHIFT = np.uint64(_PRECISION)
_WORD_SHIFT = np.uint64(32)
_WORD_MASK = np.uint64(0xFFFFFFFF)
_FULL_SHIFT = np.uint64(63 - _PRECISION)
_LEAST = np.uint64(_LOWEST)


def model_frequencies(counts: np.ndarray, total: int = TOTAL) -> np.ndarray:
    """Frequencies [L] that sum to `total`, close to the shares of `counts` [L].

    Every symbol that occurs gets at least one. The remainder of the rounding goes where it changes
    the coded length least.

    Raises:
        ValueError: nothing is counted, or there are more than `MAX_SYMBOLS` symbols.
    """
    if not 1 <= len(counts) <= MAX_SYMBOLS or counts.sum() == 0:
        raise ValueError(f"counts of {len(counts)} symbols, {counts.sum()} in total: cannot model")
    shares = counts * (total / counts.sum())
    frequencies = np.maximum(np.floor(shares), counts > 0).astype(np.int64)
    occurring = np.flatnonzero(counts)
    while (rest := total - int(frequencies.sum())) != 0:
        step = 1 if rest > 0 else -1
        able = occurring if rest > 0 else occurring[frequencies[occurring] > 1]
        # Change of the coded length, in nats, if the symbol's frequency moves by one step.
        change = -counts[able] * np.log1p(step / frequencies[able])
        best = able[np.argsort(change, kind="stable")[: abs(rest)]]
        frequencies[best] += step
    return frequencies


@compiled
def _walk(symbols, following, begins, first):
    """Fill `first` with the first model of each symbol's set."""
    for row in range(len(symbols)):
        state = 0
        for column in range(symbols.shape[1]):
            first[row, column] = begins[state]
            state = following[state, symbols[row, column]]


@compiled
def _encode(symbols, first, rows, columns, size, frequencies, starts, states, words):
    """Fill `words` from its end and return where it begins: decoding reverses the order."""
    begin = len(words)
    last = size - 1
    position = symbols.size
    for row in range(len(rows) - 1, -1, -1):
        for column in range(len(columns) - 1, -1, -1):
            position -= 1
            lane = position & 3
            model = first[row, column] + min(max(rows[row] + columns[column], 0), last)
            symbol = symbols[row, column]
            frequency = frequencies[model, symbol]
            state = states[lane]
            if state >= frequency << _FULL_SHIFT:
                begin -= 1
                words[begin] = np.uint32(state & _WORD_MASK)
                state >>= _WORD_SHIFT
            quotient = state // frequency
            rest = state - quotient * frequency
            states[lane] = (quotient << _SHIFT) + rest + starts[model, symbol]
    return begin


@compiled
def _decode(
    words, tables, rows, columns, size, following, begins, frequencies, starts, states, symbols
):
    """Fill `symbols` and return how many words that took, or -1 if they do not suffice."""
    last = size - 1
    turning = len(following) > 1
    used = 0
    position = 0
    for row in range(len(rows)):
        turn = 0
        for column in range(len(columns)):
            lane = position & 3
            position += 1
            state = states[lane]
            slot = state & _MASK
            model = begins[turn] + min(max(rows[row] + columns[column], 0), last)
            symbol = tables[model, slot]
            symbols[row, column] = symbol
            if turning:  # foreseen by the processor; else each symbol would wait for the one before
                turn = following[turn, symbol]
            start = starts[model, symbol]
            state = frequencies[model, symbol] * (state >> _SHIFT) + slot - start
            if state < _LEAST:
                if used >= len(words):
                    return -1
                state = (state << _WORD_SHIFT) | np.uint64(words[used])
                used += 1
            states[lane] = state
    return used


def _starts(frequencies: np.ndarray) -> np.ndarray:
    """[M, L] The first slot of each symbol."""
    return (np.cumsum(frequencies, axis=1) - frequencies).astype(np.uint64)


def encode(symbols: np.ndarray, frequencies: np.ndarray, contexts: Contexts) -> bytes:
    """`symbols` [R, C] uint8, rows first, as bytes: four states, then words.

    Args:
        frequencies: [M, L], each row as `model_frequencies` makes them; above zero for all that
            occurs.
    """
    states = np.full(_LANES, _LOWEST, dtype=np.uint64)
    # A symbol emits one word at most.
    words = np.empty(symbols.size, dtype=np.uint32)
    models = frequencies.astype(np.uint64), _starts(frequencies)
    count = len(frequencies)
    first = np.empty(symbols.shape, dtype=np.uint16)
    _walk(symbols, contexts.machine.following, contexts.begins(count), first)
    own = contexts.rows, contexts.columns, contexts.size(count)
    begin = _encode(symbols, first, *own, *models, states, words)
    return states.astype("<u8").tobytes() + words[begin:].astype("<u4").tobytes()


def decode(data: bytes | memoryview, frequencies: np.ndarray, contexts: Contexts) -> np.ndarray:
    """Symbols [R, C] uint8, the inverse of `encode`.

    Raises:
        FormatError: `data` is not what `encode` makes of so many symbols.
    """
    if len(data) < STATE_BYTES or (len(data) - STATE_BYTES) % 4:
        raise FormatError(f"{len(data)} bytes of symbols have no whole number of words")
    states = np.frombuffer(data, "<u8", _LANES).astype(np.uint64)
    words = np.frombuffer(data, "<u4", offset=STATE_BYTES)
    symbols = np.empty((len(contexts.rows), len(contexts.columns)), dtype=np.uint8)
    if len(words) > symbols.size:
        message = f"{len(words)} words for {symbols.size} symbols: at most one each is possible"
        raise FormatError(message)
    if (states < _LOWEST).any() or (states >= 1 << 63).any():
        raise FormatError("a state of the symbols is out of range")
    levels = np.arange(frequencies.shape[1], dtype=np.uint8)
    tables = np.stack([np.repeat(levels, each) for each in frequencies])
    models = frequencies.astype(np.uint64), _starts(frequencies)
    through = _decode if installed("numba") else rans_plain.decode
    own = contexts.rows, contexts.columns, contexts.size(len(frequencies))
    machine = contexts.machine.following, contexts.begins(len(frequencies))
    used = through(words, tables, *own, *machine, *models, states, symbols)
    # The encoder began with the lowest states: whatever else the decoder ends with is damage.
    if used != len(words) or (states != _LOWEST).any():
        raise FormatError("the symbols do not end where their words do")
    return symbols
