"""How much a .mat file unpacks to, before anything of it is believed.

A file of version 5 is a head of 128 bytes and elements: a type, a number of bytes, and so many
bytes, which of type 15 are packed by zlib (MathWorks, "MAT-File Format").
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

_HEAD, _TAG = 128, 8
_ORDERS = {b"IM": "<", b"MI": ">"}
_VERSION = (0x0100,)
_MATRIX, _COMPRESSED = 14, 15
_CHUNK = 1 << 20
_LEAST = 1 << 26  # bytes that any file may unpack to
_MOST_TIMES = 16  # its own size: trained weights hardly get smaller when they are packed


def _unpacked(file: BinaryIO, size: int, most: int) -> int:
    """Bytes that the next `size` bytes unpack to; no more than just above `most` are unpacked."""
    unpacker, total = zlib.decompressobj(), 0
    while size > 0 and total <= most and not unpacker.eof:
        packed = file.read(min(size, _CHUNK))
        if not packed:
            break
        size -= len(packed)
        while packed and total <= most:
            total += len(unpacker.decompress(packed, _CHUNK))
            packed = unpacker.unconsumed_tail
    return total


def require_bounded(path: Path) -> None:
    """Make sure that a file does not unpack to many times its size.

    Raises:
        ValueError: it does, or an element is longer than the file.
        zlib.error: an element cannot be unpacked.
        OSError: it cannot be read.
    """
    whole = path.stat().st_size
    most = max(_LEAST, _MOST_TIMES * whole)
    total, at = 0, _HEAD
    with open(path, "rb") as file:
        version, order = struct.unpack("2s2s", file.read(_HEAD).ljust(_HEAD)[-4:])
        order = _ORDERS.get(order)
        if order is None or struct.unpack(f"{order}H", version) != _VERSION:
            return  # of version 4, which packs nothing, or 7.3, which is HDF5
        while at + _TAG <= whole:
            file.seek(at)
            kind, size = struct.unpack(f"{order}II", file.read(_TAG))
            if kind not in (_MATRIX, _COMPRESSED):
                raise ValueError(f"an element of type {kind}")
            at += _TAG + size
            if at > whole:
                raise ValueError(f"an element of {size:,} bytes, and the file ends before")
            total += _unpacked(file, size, most - total) if kind == _COMPRESSED else size
            if total > most:
                raise ValueError(f"{whole:,} bytes unpack to more than {most:,}")
