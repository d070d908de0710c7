"""One layer as bytes, and back: codebook, scales, models of the symbols, coded symbols.

docs/format.md gives the layout. Everything is little-endian.
"""

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.format import rans, trellis
from pocketvlad.format.error import FormatError
from pocketvlad.format.kernel_transform import MAX_SIDE
from pocketvlad.format.quantized_tensor import QuantizedTensor, by_axes, grid
from pocketvlad.format.rans import ONE_SET, Contexts, Machine
from pocketvlad.format.symbol_model import MAX_MODELS, Alphabet, SymbolModel
from pocketvlad.util.counted import counted

# Flags: the levels are a grid, not a list; every row has a scale; codes are of coefficients; every
# input has a scale; rows are on the trellis.
_GRID, _SCALED, _TRANSFORMED, _INPUTS_SCALED, _ON_TRELLIS = 1, 2, 4, 8, 16
_HEAD = struct.Struct("<BH")  # flags, number of levels
_SCALE = np.dtype("<f2")
_ROW, _INPUT = "a row", "an input"  # what has a scale, in messages
_ENDS = struct.Struct("<ff")
_MODEL_HEAD = struct.Struct("<BB")  # number of models, the sum of sizes that the first is for
_RAW = -15  # deflate without a head or checksum: the layer has one
_MAX_SIDE = 1 << 24  # bytes, unpacked
_MAX_NUMBER = 4  # bytes
_DIGITS = (17, 4, 3, 2, 1)  # binary digits of frequencies that are tried; 17 are all of them
# The two signs of a place share its frequency's slots.
_PLACES = rans.TOTAL // 2


def _machine() -> Machine:
    symbols = np.arange(rans.MAX_SYMBOLS, dtype=np.uint8)
    return Machine(trellis.FOLLOWING[:, trellis.magnitudes(symbols) & 1], trellis.QUANTIZERS)


def _is_grid(levels: np.ndarray) -> bool:
    return len(levels) > 2 and np.array_equal(levels, grid(levels[0], levels[-1], len(levels)))


def _write_codebook(tensor: QuantizedTensor) -> bytes:
    """Levels, but level 0, which is zero; then the scales of rows and of inputs, if there are."""
    levels = tensor.codebook[1:].astype("<f4")
    _require_levels(len(levels), tensor.on_trellis)
    flags = _TRANSFORMED * tensor.transformed | _ON_TRELLIS * tensor.on_trellis
    scales = b""
    for flag, each, of in (
        (_SCALED, tensor.scales, _ROW),
        (_INPUTS_SCALED, tensor.input_scales, _INPUT),
    ):
        if each is not None:
            flags |= flag
            with np.errstate(over="ignore"):  # which the next line refuses
                stored = each.astype(_SCALE)
            _require_scales(stored, each, of)
            scales += stored.tobytes()
    held = levels.tobytes()
    if _is_grid(levels):
        flags |= _GRID
        held = _ENDS.pack(levels[0], levels[-1])
    written = _HEAD.pack(flags, len(levels)) + held + scales
    _read_codebook(
        _Reader(memoryview(written)), tensor.codes.shape
    )  # what cannot be is not written
    return written


def _require_levels(count: int, on_trellis: bool) -> None:
    """Raises FormatError where a layer may not have so many levels beside zero."""
    if on_trellis and (count % 4 != 1 or not 5 <= count <= 4 * trellis.MAX_PLACE + 1):
        raise FormatError(f"{count} levels on the trellis; 5, 9, 13 and so on to 509 are possible")
    if count >= rans.MAX_SYMBOLS and not on_trellis:
        raise FormatError(f"{count} levels and zero: more than {rans.MAX_SYMBOLS}")


class _Reader:
    """Takes parts off the front of a payload, and refuses to go past its end."""

    def __init__(self, payload: memoryview) -> None:
        self.rest = payload

    def take(self, size: int) -> memoryview:
        if size > len(self.rest):
            raise FormatError(f"{size} bytes expected, {len(self.rest)} left")
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


def _read_scales(reader: _Reader, count: int, of: str) -> np.ndarray:
    scales = np.frombuffer(reader.take(_SCALE.itemsize * count), _SCALE).astype(np.float32)
    _require_scales(scales, scales, of)
    return scales


def _require_scales(stored: np.ndarray, given: np.ndarray, of: str) -> None:
    bad = ~(np.isfinite(stored) & (stored > 0))
    if bad.any():
        raise FormatError(
            f"the scale of {of} is not a number above 0: {given[bad][0]:g} in half precision"
        )


def _read_codebook(
    reader: _Reader, shape: Sequence[int]
) -> tuple[np.ndarray, np.ndarray | None, bool, np.ndarray | None, bool]:
    """(codebook, scales of the rows or None, whether codes are of coefficients, scales of the
    inputs or None, whether rows are on the trellis)"""
    flags, count = _HEAD.unpack(reader.take(_HEAD.size))
    if flags & ~(_GRID | _SCALED | _TRANSFORMED | _INPUTS_SCALED | _ON_TRELLIS):
        raise FormatError(f"kind of codebook {flags} is unknown")
    on_trellis = bool(flags & _ON_TRELLIS)
    _require_levels(count, on_trellis)
    if flags & _GRID:
        ends = _ENDS.unpack(reader.take(_ENDS.size))
        if count < 2 or not np.isfinite(ends).all():
            raise FormatError(f"a grid of {count} levels from {ends[0]} to {ends[1]}")
        levels = grid(*ends, count)
    else:
        levels = np.frombuffer(reader.take(4 * count), "<f4").astype(np.float32)
    if not np.isfinite(levels).all():
        raise FormatError("a level of the codebook is not finite")
    transformed = bool(flags & _TRANSFORMED)
    if transformed and len(shape) != 4:
        raise FormatError(f"coefficients of kernels in a layer of {len(shape)} dimensions, not 4")
    if transformed and max(shape[2:]) > MAX_SIDE:
        raise FormatError(
            f"coefficients of kernels of {shape[2]} x {shape[3]}; at most {MAX_SIDE} a side"
        )
    rows, inputs, taps = by_axes(shape)
    scales = _read_scales(reader, rows, _ROW) if flags & _SCALED else None
    input_scales = _read_scales(reader, inputs, _INPUT) if flags & _INPUTS_SCALED else None
    most = float(np.abs(levels).max(initial=0))
    for each in (scales, input_scales):
        if each is not None:
            most *= max(1.0, float(each.max()))
    if transformed:  # a weight is as large as all coefficients of its kernel together, at most
        most *= math.sqrt(taps)
    if most > float(np.finfo(np.float32).max):
        raise FormatError("a level, times its scales or transformed, is not finite")
    codebook = np.concatenate([np.zeros(1, dtype=np.float32), levels])
    return codebook, scales, transformed, input_scales, on_trellis


def _write_numbers(numbers: Sequence[int]) -> bytes:
    """Seven bits a byte, the eighth set where more follow (LEB128): small numbers are short."""
    written = bytearray()
    for number in map(int, numbers):
        while number > 0x7F:
            written.append(number & 0x7F | 0x80)
            number >>= 7
        written.append(number)
    return bytes(written)


def _read_numbers(reader: _Reader, count: int) -> np.ndarray:
    """[count] int64, the inverse of `_write_numbers`."""
    data = np.frombuffer(reader.rest[: _MAX_NUMBER * count], np.uint8)
    ends = np.flatnonzero(data < 0x80)[:count]
    if np.diff(ends, prepend=-1).max(initial=0) > _MAX_NUMBER:
        raise FormatError(f"a number of more than {_MAX_NUMBER} bytes")
    if len(ends) < count:
        raise FormatError(f"{count} numbers expected, {len(ends)} left")
    starts = np.concatenate([[0], ends[:-1] + 1])
    numbers = np.zeros(count, dtype=np.int64)
    for place in range(_MAX_NUMBER):
        there = starts + place <= ends
        numbers[there] |= (data[starts[there] + place].astype(np.int64) & 0x7F) << 7 * place
    reader.take(int(ends[-1]) + 1)
    return numbers


def _write_model(model: SymbolModel, frequencies: np.ndarray) -> bytes:
    sizes = np.concatenate([model.rows, model.inputs, model.taps])
    head = _MODEL_HEAD.pack(model.models, model.low)
    return head + sizes.tobytes() + _write_numbers(frequencies.ravel())


def _read_model(
    reader: _Reader, shape: Sequence[int], levels: int, on_trellis: bool
) -> tuple[Contexts, np.ndarray]:
    """(which model is whose, frequencies [M, symbols])"""
    models, low = _MODEL_HEAD.unpack(reader.take(_MODEL_HEAD.size))
    if not 1 <= models <= MAX_MODELS:
        raise FormatError(f"{models} models of symbols; 1 to {MAX_MODELS} are allowed")
    sizes = [np.frombuffer(reader.take(count), np.uint8) for count in by_axes(shape)]
    expected, lists, length = rans.TOTAL, models, levels
    if on_trellis:
        expected, lists, length = _PLACES, 2 * models, levels // 4 + 1
    frequencies = _read_numbers(reader, lists * length).reshape(lists, length)
    for total in frequencies.sum(axis=1):
        if total != expected:
            raise FormatError(f"frequencies sum to {total}, not {expected}")
    if on_trellis:
        frequencies = _of_signs(frequencies)
    return _contexts(SymbolModel(*sizes, low, models), on_trellis), frequencies


def _of_signs(frequencies: np.ndarray) -> np.ndarray:
    """[M, 2 P + 1] Frequencies of symbols (`trellis.symbols_of_places`) from those of magnitudes,
    [M, P + 1]."""
    return np.concatenate([2 * frequencies[:, :1], frequencies[:, 1:].repeat(2, axis=1)], axis=1)


def _contexts(model: SymbolModel, on_trellis: bool) -> Contexts:
    machine = _machine() if on_trellis else ONE_SET
    return Contexts(model.rows.astype(np.int16), model.columns, machine)


def _frequencies(counts: np.ndarray, total: int) -> np.ndarray:
    """[M, L] of counts [M, L]; a model without any symbols is sure of zero."""
    counts = counts.copy()
    counts[:, 0] += ~counts.any(axis=1)
    return np.stack([rans.model_frequencies(each, total) for each in counts])


def _pack(data: bytes) -> bytes:
    if len(data) > _MAX_SIDE:
        raise FormatError(f"{len(data)} bytes before the symbols; at most {_MAX_SIDE} are allowed")
    packer = zlib.compressobj(9, zlib.DEFLATED, _RAW)
    packed = packer.compress(data) + packer.flush()
    return _write_numbers([len(packed)]) + packed


def _unpack(reader: _Reader) -> _Reader:
    packed = reader.take(int(_read_numbers(reader, 1)[0]))
    unpacker = zlib.decompressobj(_RAW)
    try:
        data = unpacker.decompress(packed, _MAX_SIDE)
    except zlib.error as error:
        raise FormatError(f"what goes before the symbols cannot be read: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise FormatError("what goes before the symbols is too long or incomplete")
    return _Reader(memoryview(data))


def _coarse(frequencies: np.ndarray, digits: int) -> np.ndarray | None:
    """[M, L] Frequencies of so many binary digits, which deflate to fewer bytes; that of the most
    likely symbol of each model makes up for it. None where it cannot."""
    total = frequencies[0].sum()
    units = 2 ** np.maximum(np.log2(np.maximum(frequencies, 1)).astype(np.int64) + 1 - digits, 0)
    coarse = (frequencies + units // 2) // units * units
    models, likely = np.arange(len(coarse)), frequencies.argmax(axis=1)
    coarse[models, likely] = 0
    coarse[models, likely] = total - coarse.sum(axis=1)
    return coarse if (coarse[models, likely] > 0).all() else None


@dataclass(frozen=True)
class _Coding:
    """What goes before the symbols of a layer, packed; the symbols [R, C K], and what they are
    coded by."""

    side: bytes
    symbols: np.ndarray
    frequencies: np.ndarray
    contexts: Contexts


def _coding(tensor: QuantizedTensor) -> _Coding:
    """That by which both take the fewest bits."""
    codebook = _write_codebook(tensor)  # first: it refuses what no file may hold
    alphabet = Alphabet.of(tensor)
    model = alphabet.model()
    counts = alphabet.counts(model)
    total = _PLACES if tensor.on_trellis else rans.TOTAL
    exact = _frequencies(counts, total)
    best, least = None, math.inf
    for digits in _DIGITS:
        frequencies = _coarse(exact, digits)
        if frequencies is None:
            continue
        side = _pack(codebook + _write_model(model, frequencies))
        shares = np.maximum(frequencies, 1) / total  # those of 0 do not occur
        bits = 8 * len(side) - float((counts * np.log2(shares)).sum())
        if bits < least:
            best, least = (side, frequencies), bits
    side, frequencies = best
    symbols = tensor.codes.reshape(len(model.rows), -1)
    if tensor.on_trellis:
        symbols = trellis.symbols_of_places(trellis.to_places(tensor.multiples())[0])
        frequencies = _of_signs(frequencies)
    return _Coding(side, symbols, frequencies, _contexts(model, tensor.on_trellis))


def encode_layer(tensor: QuantizedTensor) -> bytes:
    """The payload of one quantized layer.

    Raises:
        FormatError: `decode_layer` would refuse it: a scale that half precision cannot hold, too
            many levels, and so on.
    """
    coding = _coding(tensor)
    return coding.side + rans.encode(coding.symbols, coding.frequencies, coding.contexts)


def decode_layer(payload: bytes | memoryview, shape: Sequence[int]) -> QuantizedTensor:
    """The inverse of `encode_layer`.

    Args:
        shape: of the layer; what its product may be is the caller's to limit.

    Raises:
        FormatError: the payload is not one of a layer of this shape.
    """
    reader = _Reader(memoryview(payload))
    side = _unpack(reader)
    codebook, *how, on_trellis = _read_codebook(side, shape)
    contexts, frequencies = _read_model(side, shape, len(codebook), on_trellis)
    if side.rest:
        raise FormatError(f"{counted(len(side.rest), 'byte')} too many before the symbols")
    codes = rans.decode(reader.rest, frequencies, contexts)
    if on_trellis:
        multiples = trellis.to_multiples(codes)
        codes = np.where(multiples == 0, 0, multiples + len(codebook) // 2).astype(np.uint16)
    return QuantizedTensor(codes.reshape(shape), codebook, *how, on_trellis)


def side_information_bytes(tensor: QuantizedTensor) -> int:
    """Bytes of a payload that are not symbols: levels, scales, models, the coder's states."""
    return len(_coding(tensor).side) + rans.STATE_BYTES
