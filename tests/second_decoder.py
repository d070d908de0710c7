"""A second decoder of `.pvlad` files, written from docs/format.md alone.

It exists to prove the document. It shares no line with the library, so where both give the same
numbers the document says enough to write a reader, and the library does what the document says.
It reads what any file holds; whether the layers fit the architecture is the library's to check.
It is plain and slow: about a second for a million weights. Damaged input is a ValueError.
Files of versions 2 and 3 are read; names are those in the file.
"""

import json
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import pi, prod, sqrt

import numpy as np

MAGIC = bytes.fromhex("89 50 56 4C 41 44 0D 0A")
GRID, ROW_SCALES, COEFFICIENTS, INPUT_SCALES, TRELLIS = 1, 2, 4, 8, 16  # the flags
# The state after an even place and after an odd one.
AFTER = [(0, 2), (5, 7), (1, 3), (6, 4), (2, 0), (4, 6), (3, 1), (7, 5)]
SLOTS = 65536  # the sum of a model's frequencies
LOWEST_STATE = 1 << 31
PARTS = ("backbone", "pooling", "projection")
ROLES = ("convolution", "linear", "cluster", "bias", "kept", "other")
OLD = {  # what a name of version 2 begins with: its part, and the role of what is no bias
    "backbone": ("backbone", "convolution"),
    "netvlad": ("pooling", "cluster"),
    "whitening": ("projection", "linear"),
}
MAX_HEADER, MAX_SIDE, MAX_WEIGHTS = 1 << 20, 1 << 24, 1 << 29  # the first two in bytes unpacked
MAX_MULTIPLES = 65536


@dataclass
class Layer:
    """values: float32 in `shape`.  codes: integers in `shape`, or None where none are stored."""

    name: str
    part: str
    role: str
    shape: tuple[int, ...]
    coding: str
    codes: np.ndarray | None
    values: np.ndarray


def require(holds: bool, otherwise: str) -> None:
    """Raise ValueError with the message `otherwise` unless it holds."""
    if not holds:
        raise ValueError(otherwise)


class Cursor:
    """Reads bytes from the front; to ask for more than are left is a ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def left(self) -> int:
        return len(self.data) - self.place

    def take(self, count: int) -> bytes:
        require(0 <= count <= self.left(), "the bytes end too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype)

    def number(self, dtype: str) -> int:
        return int(self.array(dtype, 1)[0])

    def variable(self) -> int:
        """An integer of variable length: seven bits a byte, the lowest first, 4 bytes at most."""
        value = 0
        for position in range(4):
            byte = self.number("u1")
            value |= (byte & 127) << (7 * position)
            if byte < 128:
                return value
        raise ValueError("an integer has more than 4 bytes")


def unpacked(packed: bytes, window: int, most: int) -> bytes:
    """What zlib (window 15) or raw deflate (-15) packed into just these bytes."""
    packer = zlib.decompressobj(window)
    try:
        content = packer.decompress(packed, most)
    except zlib.error as error:
        raise ValueError(f"packed bytes are damaged: {error}") from error
    require(packer.eof and not packer.unused_data, "packed bytes are too long or end elsewhere")
    return content


def inverse_cosine(size: int) -> np.ndarray:
    """[place, frequency] float64, the inverse of the orthonormal type II cosine transform."""
    place, frequency = np.mgrid[:size, :size]
    basis = sqrt(2 / size) * np.cos(pi * (2 * place + 1) * frequency / (2 * size))
    basis[:, 0] = sqrt(1 / size)
    return basis


def decoded(
    coder: Cursor, count: int, model_of: Callable[[int], int], frequencies: list[list[int]]
) -> Iterator[int]:
    """Each weight's symbol. `model_of`: the model of a position, asked for when all symbols before
    it have been given.  `frequencies`: each model's."""
    states = coder.array("<u8", 4).tolist()
    require(all(LOWEST_STATE <= state < 1 << 63 for state in states), "a state is out of range")
    starts = [[0, *accumulate(of_model)][:-1] for of_model in frequencies]
    for position in range(count):
        model = model_of(position)
        state = states[position % 4]
        slot = state % SLOTS
        # The last symbol that starts at the slot or before: one without slots is passed over.
        symbol = bisect_right(starts[model], slot) - 1
        state = frequencies[model][symbol] * (state // SLOTS) + slot - starts[model][symbol]
        if state < LOWEST_STATE:
            state = (state << 32) + int.from_bytes(coder.take(4), "little")
        states[position % 4] = state
        yield symbol
    require(states == [LOWEST_STATE] * 4, "the coder's states do not end where they must")
    require(coder.left() == 0, "words are left over")


def trellis_levels(
    coder: Cursor, models: list[int], frequencies: list[list[int]], width: int
) -> list[int]:
    """The number of each weight's level, of rows on the trellis: 0 for zero.

    `models`: each weight's, of one quantizer.  `frequencies`: of magnitudes of places, each model's
    for even multiples, then each one's for odd ones.
    """
    largest = len(frequencies[0]) - 1
    places = [0, *(sign * k for k in range(1, largest + 1) for sign in (1, -1))]
    slots = [[own[0] * 2, *(own[abs(k)] for k in places[1:])] for own in frequencies]
    count, levels, state = len(frequencies) // 2, [], 0

    def model_now(position: int) -> int:
        nonlocal state
        if position % width == 0:
            state = 0
        return models[position] + count * (state % 2)

    for symbol in decoded(coder, len(models), model_now, slots):
        place = places[symbol]
        multiple = 2 * place
        if state % 2:
            multiple -= (place > 0) - (place < 0)
        levels.append(multiple + 2 * largest + 1 if multiple else 0)
        state = AFTER[state][place % 2]
    return levels


def read_levels(side: Cursor, is_grid: bool, most: int) -> np.ndarray:
    """[L] float32, without zero; L is `most` or less."""
    count = side.number("<u2")
    require(count <= most, "too many levels")
    require(count >= 2 or not is_grid, "a grid has at least two levels")
    levels = side.array("<f4", 2 if is_grid else count)
    require(bool(np.isfinite(levels).all()), "a level is not finite")
    if is_grid:
        first, last = levels.astype(np.float64)
        levels = first + np.arange(count) * ((last - first) / (count - 1))
        levels[-1] = last
    return levels.astype(np.float32)


def read_symbols(payload: bytes, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(codes, values) of a layer whose coding is `symbols`, both in `shape`."""
    (rows, lines), places = (*shape, 1, 1)[:2], prod(shape[2:])
    coder = Cursor(payload)
    side = Cursor(unpacked(coder.take(coder.variable()), -15, MAX_SIDE))
    flags = side.number("u1")
    require(flags < 32, "a flag is unknown")
    require(len(shape) == 4 or not flags & COEFFICIENTS, "coefficients have four dimensions")
    levels = read_levels(side, bool(flags & GRID), 509 if flags & TRELLIS else 255)
    on_trellis, total, length = flags & TRELLIS > 0, SLOTS, len(levels) + 1
    if on_trellis:
        require(len(levels) in range(5, 510, 4), "no such number of levels on the trellis")
        total, length = SLOTS // 2, (len(levels) - 1) // 4 + 1
    scales = side.array("<f2", rows) if flags & ROW_SCALES else np.ones(rows, "<f2")
    require(bool((scales > 0).all()), "a row's scale is not above 0")
    of_inputs = side.array("<f2", lines) if flags & INPUT_SCALES else np.ones(lines, "<f2")
    require(bool((of_inputs > 0).all()), "an input's scale is not above 0")
    model_count, lowest = side.number("u1"), side.number("u1")
    require(1 <= model_count <= 64, "there are not 1 to 64 models")
    of_row, of_line, of_place = (side.array("u1", n).astype(int) for n in (rows, lines, places))
    lists = model_count * (1 + on_trellis)
    frequencies = [[side.variable() for _ in range(length)] for _ in range(lists)]
    require(all(sum(each) == total for each in frequencies), f"frequencies do not sum to {total:,}")
    require(side.left() == 0, "side information is left over")
    sums = of_row[:, None, None] + of_line[:, None] + of_place
    models = np.clip(sums - lowest, 0, model_count - 1).ravel().tolist()
    if on_trellis:
        numbers = trellis_levels(coder, models, frequencies, lines * places)
    else:
        numbers = list(decoded(coder, len(models), models.__getitem__, frequencies))
    codes = np.array(numbers).reshape(shape)
    values = np.concatenate([np.zeros(1, np.float32), levels])[codes].reshape(rows, -1)
    values = (values * scales.astype(np.float32)[:, None]).reshape(rows, lines, places)
    values = (values * of_inputs.astype(np.float32)[:, None]).reshape(shape)
    if flags & COEFFICIENTS:
        values = inverse_cosine(shape[2]) @ values.astype(np.float64) @ inverse_cosine(shape[3]).T
    return codes, values.astype(np.float32)


def read_multiples(payload: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a tensor whose coding is `multiples`."""
    count = prod(shape)
    require(count <= MAX_MULTIPLES, "too many whole multiples")
    head = Cursor(payload)
    exponent, second, middle = (head.number(dtype) for dtype in ("i1", "u1", "<i4"))
    marked, width = second >= 128, second % 128
    require(-126 <= exponent <= 103 and width <= 24, "no such multiples")
    bits = Cursor(np.unpackbits(head.array("u1", head.left())).tobytes())  # a byte for each bit
    values = np.zeros(count, np.float32)
    for place in range(count):
        if marked and not bits.number("u1"):
            continue
        ones = 0
        while bits.number("u1"):
            ones += 1
        code = ones
        for _ in range(width):
            code = 2 * code + bits.number("u1")
        number = middle - (code + 1) // 2 if code % 2 else middle + code // 2
        require(abs(number) < 1 << 24, "a whole number is too large")
        values[place] = number * 2.0**exponent
    require(bits.left() < 8 and not any(bits.take(bits.left())), "bits are left over")
    return values.reshape(shape)


def identity(entry: list, version: int) -> tuple[str, str, str]:
    """(name, part, role) of a layer: what its entry begins with, before the last four."""
    match version, entry[:-4]:
        case 2, [str(name)]:
            first, dot, rest = name.partition(".")
            require(first in OLD and dot + rest != dot, f"{name}: no name of version 2")
            part, role = OLD[first]
            return name, part, "bias" if name.endswith("bias") else role
        case 3, [str(name), str(part), str(role)]:
            require(part in PARTS and role in ROLES, f"{name}: an unknown part or role")
            return name, part, role
    raise ValueError(f"a layer's entry is malformed: {entry}")


def read_header(data: bytes) -> tuple[dict, list[tuple[tuple, bytes]]]:
    """(header, each layer with its payload): (name, part, role, shape, coding); undecoded."""
    file = Cursor(data)
    require(file.take(8) == MAGIC, "the file does not begin as a .pvlad file does")
    version = file.number("<u2")
    require(version in (2, 3), "the file is not of version 2 or 3")
    length, checksum = file.number("<u4"), file.number("<u4")
    packed = file.take(length)
    require(zlib.crc32(packed) == checksum, "the header's checksum differs")
    header = json.loads(unpacked(packed, 15, MAX_HEADER).decode("utf-8"))
    require(isinstance(header, dict) and type(header.get("layers")) is list, "no layers are listed")
    pieces, weights = [], 0
    for entry in header["layers"]:
        match entry:
            case [_, *_, [*shape], str(coding), int(size), int(checksum)]:
                about = *identity(entry, version), tuple(shape), coding
                require(all(type(n) is int and n > 0 for n in shape), f"{about[0]}: no shape")
                weights += prod(shape)
                pieces.append((about, file.take(size)))
                require(zlib.crc32(pieces[-1][1]) == checksum, f"{about[0]}: the checksum differs")
            case _:
                raise ValueError(f"a layer's entry is malformed: {entry}")
    require(file.left() == 0, "bytes follow the last payload")
    names = {about[0] for about, _ in pieces}
    require(len(names) == len(pieces), "a layer is listed twice")
    require(weights <= MAX_WEIGHTS, "the header claims too many weights")
    return header, pieces


def read_layers(data: bytes) -> list[Layer]:
    """The layers of a file, in its order. Raises ValueError where anything is damaged."""
    layers, floats = [], {"float32": "<f4", "float16": "<f2"}
    for (name, part, role, shape, coding), payload in read_header(data)[1]:
        codes = None
        if coding == "symbols":
            codes, values = read_symbols(payload, shape)
        elif coding == "multiples":
            values = read_multiples(payload, shape)
        else:
            require(coding in floats, f"{name}: an unknown coding")
            # As many weights as the payload has; if the shape has others, it is a ValueError.
            values = np.frombuffer(payload, floats[coding]).astype(np.float32).reshape(shape)
        require(bool(np.isfinite(values).all()), f"{name}: a weight is not finite")
        layers.append(Layer(name, part, role, shape, coding, codes, values))
    return layers


def decode(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """(header, float32 weights in their shapes by the layer's name). ValueError as above."""
    return read_header(data)[0], {layer.name: layer.values for layer in read_layers(data)}
