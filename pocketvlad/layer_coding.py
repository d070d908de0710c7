"""One layer as bytes, and back: codebook, model of the symbols, entropy-coded symbols.

docs/format.md gives the layout. Everything is little-endian.
"""

import math
import struct
from collections.abc import Sequence

import numpy as np

from pocketvlad import rans
from pocketvlad.format_error import FormatError
from pocketvlad.quantized_tensor import QuantizedTensor, grid

_GRID, _LIST = 1, 0
_HEAD = struct.Struct("<BH")  # kind of codebook, number of levels
_ENDS = struct.Struct("<ff")


def _is_grid(levels: np.ndarray) -> bool:
    return len(levels) > 2 and np.array_equal(levels, grid(levels[0], levels[-1], len(levels)))


def _write_codebook(codebook: np.ndarray) -> bytes:
    """Level 0 is zero and not written."""
    levels = codebook[1:].astype("<f4")
    if _is_grid(levels):
        return _HEAD.pack(_GRID, len(levels)) + _ENDS.pack(levels[0], levels[-1])
    return _HEAD.pack(_LIST, len(levels)) + levels.tobytes()


class _Reader:
    """Takes parts off the front of a payload, and refuses to go past its end."""

    def __init__(self, payload: memoryview) -> None:
        self.rest = payload

    def take(self, size: int) -> memoryview:
        if size > len(self.rest):
            raise FormatError(f"{size} bytes expected, {len(self.rest)} left")
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


def _read_codebook(reader: _Reader) -> np.ndarray:
    kind, count = _HEAD.unpack(reader.take(_HEAD.size))
    if kind == _GRID:
        levels = grid(*_ENDS.unpack(reader.take(_ENDS.size)), count)
    elif kind == _LIST:
        levels = np.frombuffer(reader.take(4 * count), "<f4").astype(np.float32)
    else:
        raise FormatError(f"kind of codebook {kind} is unknown")
    if count >= rans.MOST_SYMBOLS:
        raise FormatError(f"{count} levels and zero: more than {rans.MOST_SYMBOLS}")
    if not np.isfinite(levels).all():
        raise FormatError("a level of the codebook is not finite")
    return np.concatenate([np.zeros(1, dtype=np.float32), levels])


def _write_numbers(numbers: Sequence[int]) -> bytes:
    """Seven bits a byte, the eighth set where more follow (LEB128): small numbers are short."""
    written = bytearray()
    for number in map(int, numbers):
        while number > 0x7F:
            written.append(number & 0x7F | 0x80)
            number >>= 7
        written.append(number)
    return bytes(written)


def _read_number(reader: _Reader) -> int:
    number = 0
    for shift in range(0, 21, 7):
        byte = reader.take(1)[0]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number
    raise FormatError("a frequency is too long")


def encode_layer(tensor: QuantizedTensor) -> bytes:
    """The payload of one quantized layer."""
    frequencies = rans.model_frequencies(tensor.counts())
    return (
        _write_codebook(tensor.codebook)
        + _write_numbers(frequencies)
        + rans.encode(tensor.codes.reshape(-1), frequencies)
    )


def decode_layer(payload: bytes | memoryview, shape: Sequence[int]) -> QuantizedTensor:
    """The inverse of `encode_layer`.

    Args:
        shape: of the layer; what its product may be is the caller's to limit.

    Raises:
        FormatError: the payload is not one of a layer of this shape.
    """
    reader = _Reader(memoryview(payload))
    codebook = _read_codebook(reader)
    frequencies = np.array([_read_number(reader) for _ in codebook])
    if frequencies.sum() != rans.TOTAL:
        raise FormatError(f"frequencies sum to {frequencies.sum()}, not {rans.TOTAL}")
    codes = rans.decode(reader.rest, frequencies, math.prod(shape))
    return QuantizedTensor(codes.reshape(shape), codebook)


def side_information_bytes(tensor: QuantizedTensor) -> int:
    """Bytes of a payload that are not symbols: codebook, frequencies and the coder's states."""
    frequencies = rans.model_frequencies(tensor.counts())
    overhead = _write_codebook(tensor.codebook) + _write_numbers(frequencies)
    return len(overhead) + rans.STATE_BYTES
