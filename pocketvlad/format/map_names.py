"""The names of a map's places: paths of photographs within a folder, as bytes.

A map may come from anybody, and its names are joined to a folder of the reader's. So none may lead
out of it, on any system.
"""

import re
from collections.abc import Sequence

from pocketvlad.util.shown import shown

MAX_NAME = 4096
"""Bytes of a name."""

MAX_NAMES = (1 << 32) - 1
"""Bytes of all names."""

_DRIVE = re.compile(rb"[A-Za-z]:")
_NO_PARTS = (b"", b".", b"..")


def packed_name(name: str) -> bytes:
    """A name as a file has it: UTF-8, and a byte that is none as it is.

    Raises:
        ValueError: it is no path within a folder, or is too long; says what to do.
    """
    try:
        packed = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise ValueError(f"{shown(name)} is no text that a map can hold; rename it") from None
    if fault := name_fault(packed):
        raise ValueError(f"{shown(name)} {fault}; rename it")
    return packed


def unpacked_name(packed: bytes) -> str:
    """What `packed_name` was given."""
    return packed.decode("utf-8", "surrogateescape")


def name_fault(packed: bytes) -> str | None:
    """What is wrong with a name; None if nothing is.

    >>> name_fault(b"in/a.jpg"), name_fault(b"../a.jpg")
    (None, 'leads out of its folder')
    """
    if not 1 <= len(packed) <= MAX_NAME:
        return f"has {len(packed)} bytes; a map's names have 1 to {MAX_NAME}"
    if b"\0" in packed or b"\\" in packed:
        return "holds a zero byte or a backslash"
    if _DRIVE.match(packed) or any(part in _NO_PARTS for part in packed.split(b"/")):
        return "leads out of its folder"
    return None


def first_disorder(names: Sequence[bytes]) -> int | None:
    """The first that is not above the one before it, byte by byte; None where all are."""
    return next((n for n in range(1, len(names)) if names[n - 1] >= names[n]), None)
