"""Variables of a .mat file of version 5 (MathWorks, "MAT-File Format"), whoever made it.

Scipy's reader believes the sizes that a file claims, and can be made to write where it must not.
This one reads what MatConvNet's networks consist of: arrays of numbers, texts, cells and structs.

A file is a head of 128 bytes and elements: a type, a number of bytes, so many bytes. An element is
an array (type 14), or one that zlib has packed (type 15). An array's bytes are elements, too: its
class, its shape, its name, and then its content.
"""

import math
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

_HEAD = 128  # bytes; the last four are version and order of bytes
_ORDERS = {b"IM": "<", b"MI": ">"}
_VERSION, _HDF5 = 0x0100, 0x0200
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
"""Types of elements that hold numbers, as numpy calls them."""
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
"""How characters are written in elements of these types."""
_CELL, _STRUCT, _CHARACTERS, _ARRAYS = 1, 2, 4, range(6, 16)  # classes
_COMPLEX = 0x0800
_OTHERS = {
    3: "a MATLAB object",
    5: "a sparse array",
    16: "a MATLAB function",
    17: "a MATLAB object",
}
_CHUNK = 1 << 20
_LEAST = 1 << 26  # bytes that any file may unpack to
_MOST_TIMES = 16  # its own size: trained weights hardly get smaller when they are packed
_DEEPEST = 12  # cells and structs in one another; MatConvNet's networks have 5
_MOST_SIDES = 8


class MatError(ValueError):
    """A file is no .mat file of version 5, or it is damaged."""


class Hdf5Error(MatError):
    """A file is of version 7.3, which is another format."""


@dataclass(frozen=True)
class Unread:
    """A value of a kind that is not read. kind: in words."""

    kind: str


Value = np.ndarray | str | list | dict | Unread
"""An array of numbers, a text, the values of a cell, those of a struct by name, or another."""


class _Elements:
    """Takes elements off the front of an array's bytes."""

    def __init__(self, content: memoryview, order: str) -> None:
        self.rest = content
        self.order = order

    def take(self, kinds: Collection[int]) -> tuple[int, memoryview]:
        """(type, bytes) of the next one, which must be of these types."""
        if len(self.rest) < 8:
            raise MatError("an array ends too early")
        first, size = struct.unpack(f"{self.order}II", self.rest[:8])
        begin, kind = 8, first
        if first >> 16:  # up to four bytes stand in the place of their number
            begin, kind, size = 4, first & 0xFFFF, first >> 16
            if size > 4:
                raise MatError(f"{size} bytes in the place of four")
        if kind not in kinds:
            raise MatError(f"an element of type {kind}")
        if begin + size > len(self.rest):
            raise MatError(
                f"an element of {size:,} bytes, of which {len(self.rest) - begin:,} are there"
            )
        content = self.rest[begin : begin + size]
        self.rest = self.rest[-(-(begin + size) // 8) * 8 :]
        return kind, content

    def whole(self, count: int) -> list[int]:
        """The next element, `count` whole numbers of 32 bits; any number of them where it is 0."""
        _, content = self.take((5, 6))
        if len(content) % 4 or (count and len(content) != 4 * count):
            raise MatError(f"{len(content)} bytes for {count or 'some'} numbers")
        return np.frombuffer(content, f"{self.order}i4").tolist()


def _numbers(elements: _Elements, shape: list[int]) -> np.ndarray:
    """As they are stored, which may be in fewer bytes than they had in MATLAB."""
    kind, content = elements.take(_NUMBERS)
    dtype = np.dtype(_NUMBERS[kind]).newbyteorder(elements.order)
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise MatError(f"{len(content):,} bytes for an array {shape}")
    return np.frombuffer(content, dtype).reshape(shape, order="F")


def _text(elements: _Elements) -> str:
    kind, content = elements.take(_TEXTS)
    encoding = _TEXTS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if elements.order == "<" else "-be"
    return str(content, encoding, "replace")


def _several(elements: _Elements, count: int, depth: int) -> Iterator[Value]:
    """The next `count` arrays; each takes eight bytes at least."""
    if 8 * count > len(elements.rest):
        raise MatError(f"{count:,} values in {len(elements.rest):,} bytes")
    for _ in range(count):
        _, content = elements.take((_MATRIX,))
        yield _array(_Elements(content, elements.order), None, depth + 1)[1]


def _struct(elements: _Elements, count: int, depth: int) -> Value:
    [width] = elements.whole(1)
    _, names = elements.take((1, 2))
    if width < 1 or len(names) % width:
        raise MatError(f"names of {width} bytes in {len(names)}")
    texts = [bytes(names[at : at + width]) for at in range(0, len(names), width)]
    if count != 1:
        return Unread("several structs")
    fields = [text.partition(b"\0")[0].decode("latin-1") for text in texts]
    return dict(zip(fields, _several(elements, len(fields), depth), strict=True))


def _array(
    elements: _Elements, wanted: Collection[str] | None, depth: int
) -> tuple[str, Value | None]:
    """(name, value) of an array; None where its name is none that is wanted."""
    if depth > _DEEPEST:
        raise MatError("cells and structs are nested too deeply")
    if not elements.rest:
        return "", np.empty((0, 0))
    flags = elements.whole(2)[0]
    kind = flags & 0xFF
    if kind == 17:  # of which the rest has no documented form
        return "", Unread(_OTHERS[kind])
    shape = elements.whole(0)
    if not 2 <= len(shape) <= _MOST_SIDES or min(shape) < 0:
        raise MatError(f"an array {shape[:_MOST_SIDES]}")
    _, content = elements.take((1, 2))
    name = str(content, "latin-1")
    if wanted is not None and name not in wanted:
        return name, None
    if kind == _CELL:
        return name, list(_several(elements, math.prod(shape), depth))
    if kind == _STRUCT:
        return name, _struct(elements, math.prod(shape), depth)
    if kind == _CHARACTERS:
        return name, _text(elements)
    if kind in _ARRAYS and not flags & _COMPLEX:
        return name, _numbers(elements, shape)
    return name, Unread(_OTHERS.get(kind, "complex numbers" if flags & _COMPLEX else "another"))


def _packed(file: BinaryIO, size: int, most: int) -> bytearray:
    """What the next `size` bytes unpack to; hardly more than `most` bytes are unpacked."""
    unpacker, content = zlib.decompressobj(), bytearray()
    while size and not unpacker.eof:
        packed = file.read(min(size, _CHUNK))
        if not packed:
            raise MatError("it is cut off")
        size -= len(packed)
        while packed and len(content) <= most:
            content += unpacker.decompress(packed, _CHUNK)
            packed = unpacker.unconsumed_tail
        if len(content) > most:
            raise MatError(f"it unpacks to more than {_MOST_TIMES} times its size")
    if not unpacker.eof:
        raise MatError("it is cut off")
    file.seek(size, 1)
    return content


def read_mat(path: Path, wanted: Collection[str]) -> dict[str, Value]:
    """The variables of these names, by name. Arrays can be written to.

    Raises:
        MatError: damaged, hostile, or of another version.
        zlib.error: likewise.
        OSError: it cannot be read.
    """
    whole = path.stat().st_size
    left = max(_LEAST, _MOST_TIMES * whole)
    found: dict[str, Value] = {}
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        order = _ORDERS.get(head[_HEAD - 2 :])
        version = struct.unpack(f"{order}H", head[_HEAD - 4 : -2])[0] if order else None
        if version == _HDF5:
            raise Hdf5Error("it is HDF5")
        if version != _VERSION:
            raise MatError("it does not begin as one of version 5 does")
        while tag := file.read(8):
            if len(tag) < 8:
                raise MatError("it is cut off")
            kind, size = struct.unpack(f"{order}II", tag)
            if kind not in (_MATRIX, _COMPRESSED):
                raise MatError(f"a variable of type {kind}")
            if size > whole - file.tell():
                raise MatError("it is cut off")
            if kind == _COMPRESSED:
                content = _packed(file, size, left)
                kind, part = _Elements(memoryview(content), order).take((_MATRIX,))
                left -= len(content)
            else:
                part = memoryview(bytearray(file.read(size)))
            name, value = _array(_Elements(part, order), wanted, 0)
            if value is not None and name in wanted:
                found[name] = value
    return found
