"""One layer as bytes, and back: codebook, row scales, model of the symbols, coded symbols.

docs/format.md gives the layout. Everything is little-endian.
"""

import math
import struct
from collections.abc import Sequence

import numpy as np

from pocketvlad import rans
from pocketvlad.format_error import FormatError
from pocketvlad.quantized_tensor import QuantizedTensor, grid, symbol_classes

# Flags: the levels are a grid, not a list; every row has a scale; codes are of coefficients.
_GRID, _SCALED, _TRANSFORMED = 1, 2, 4
_HEAD = struct.Struct("<BH")  # flags, number of levels
_SCALE = np.dtype("<f2")
_ENDS = struct.Struct("<ff")


def _is_grid(levels: np.ndarray) -> bool:
    return len(levels) > 2 and np.array_equal(levels, grid(levels[0], levels[-1], len(levels)))


def _write_codebook(tensor: QuantizedTensor) -> bytes:
    """Levels, but level 0, which is zero; then the scales of the rows, if they have any."""
    levels = tensor.codebook[1:].astype("<f4")
    scaled = tensor.scales is not None
    scales = tensor.scales.astype(_SCALE).tobytes() if scaled else b""
    flags = _SCALED * scaled | _TRANSFORMED * tensor.transformed
    if _is_grid(levels):
        ends = _ENDS.pack(levels[0], levels[-1])
        return _HEAD.pack(flags | _GRID, len(levels)) + ends + scales
    return _HEAD.pack(flags, len(levels)) + levels.tobytes() + scales


class _Reader:
    """Takes parts off the front of a payload, and refuses to go past its end."""

    def __init__(self, payload: memoryview) -> None:
        self.rest = payload

    def take(self, size: int) -> memoryview:
        if size > len(self.rest):
            raise FormatError(f"{size} bytes expected, {len(self.rest)} left")
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


def _read_codebook(
    reader: _Reader, shape: Sequence[int]
) -> tuple[np.ndarray, np.ndarray | None, bool]:
    """(codebook, scales of the rows or None, whether codes are of coefficients)"""
    flags, count = _HEAD.unpack(reader.take(_HEAD.size))
    if flags & ~(_GRID | _SCALED | _TRANSFORMED):
        raise FormatError(f"kind of codebook {flags} is unknown")
    if flags & _GRID:
        levels = grid(*_ENDS.unpack(reader.take(_ENDS.size)), count)
    else:
        levels = np.frombuffer(reader.take(4 * count), "<f4").astype(np.float32)
    if count >= rans.MOST_SYMBOLS:
        raise FormatError(f"{count} levels and zero: more than {rans.MOST_SYMBOLS}")
    if not np.isfinite(levels).all():
        raise FormatError("a level of the codebook is not finite")
    transformed = bool(flags & _TRANSFORMED)
    if transformed and len(shape) != 4:
        raise FormatError(f"coefficients of kernels in a layer of {len(shape)} dimensions, not 4")
    codebook = np.concatenate([np.zeros(1, dtype=np.float32), levels])
    if not flags & _SCALED:
        return codebook, None, transformed
    rows = shape[0] if shape else 1
    scales = np.frombuffer(reader.take(_SCALE.itemsize * rows), _SCALE).astype(np.float32)
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise FormatError("the scale of a row is not a number above 0")
    if np.abs(levels).max(initial=0) > np.finfo(np.float32).max / max(1, scales.max()):
        raise FormatError("a level times the scale of a row is not finite")
    return codebook, scales, transformed


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


def _models(tensor: QuantizedTensor) -> np.ndarray:
    """[C, L] Frequencies, a model a class."""
    return np.stack([rans.model_frequencies(counts) for counts in tensor.counts()])


def encode_layer(tensor: QuantizedTensor) -> bytes:
    """The payload of one quantized layer."""
    frequencies = _models(tensor)
    return (
        _write_codebook(tensor)
        + _write_numbers(frequencies.ravel())
        + rans.encode(tensor.codes.reshape(-1), frequencies, tensor.classes)
    )


def decode_layer(payload: bytes | memoryview, shape: Sequence[int]) -> QuantizedTensor:
    """The inverse of `encode_layer`.

    Args:
        shape: of the layer; what its product may be is the caller's to limit.

    Raises:
        FormatError: the payload is not one of a layer of this shape.
    """
    reader = _Reader(memoryview(payload))
    codebook, scales, transformed = _read_codebook(reader, shape)
    classes = symbol_classes(shape, transformed)
    models = int(classes.max()) + 1
    numbers = [_read_number(reader) for _ in range(models * len(codebook))]
    frequencies = np.array(numbers).reshape(models, len(codebook))
    for total in frequencies.sum(axis=1):
        if total != rans.TOTAL:
            raise FormatError(f"frequencies sum to {total}, not {rans.TOTAL}")
    codes = rans.decode(reader.rest, frequencies, math.prod(shape), classes)
    return QuantizedTensor(codes.reshape(shape), codebook, scales, transformed)


def side_information_bytes(tensor: QuantizedTensor) -> int:
    """Bytes of a payload that are not symbols: levels, scales, frequencies, the coder's states."""
    overhead = _write_codebook(tensor) + _write_numbers(_models(tensor).ravel())
    return len(overhead) + rans.STATE_BYTES
