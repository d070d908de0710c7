"""What a `.pvmap` file consists of, and where each part of it lies. docs/format.md has it in words.

Sections follow one another. Where each begins follows from the types and shapes before it, so that
no file can claim overlapping ones.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pocketvlad.format.error import FormatError, naming
from pocketvlad.format.map_prefix import PREFIX

ALIGNMENT = 64
"""Bytes: sections begin at multiples of it, so that any of their types can be mapped."""

BLOCK = 1 << 16
"""Bytes of a section that have a checksum of their own: a multiple of every usual page."""

MAX_PLACES = 1 << 28
_MAX_BYTES = 1 << 38  # of a section that stays in the file
_MAX_READ = 1 << 28  # bytes of a section that is read when a map is opened
_MAX_DIMENSIONS = 4
_TYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in ("uint8", "int32", "uint32", "float16", "float32", "float64")
}

NAMES, NAME_ENDS, STAMPS, POSITIONS = "names", "name_ends", "stamps", "positions"
LIST_ENDS, LIST_CENTRES, CODES = "list_ends", "list_centres", "codes"
PARAMETER = "code."
"""Before the names of the code's parameters."""

STAMP_BYTES = 8
_READ_AT_ONCE = (LIST_ENDS, LIST_CENTRES)  # and the parameters
_ANY = None
# type and shape of each, where N are places; None is any number
_KNOWN: dict[str, tuple[str, tuple[int | str | None, ...]]] = {
    NAMES: ("uint8", (_ANY,)),
    NAME_ENDS: ("uint32", ("N",)),
    STAMPS: ("uint8", ("N", STAMP_BYTES)),
    POSITIONS: ("float64", ("N", 2)),
    LIST_ENDS: ("uint32", (_ANY,)),
    LIST_CENTRES: ("float16", (_ANY, _ANY)),
    CODES: ("uint8", ("N", _ANY)),
}
_REQUIRED = (NAMES, NAME_ENDS, CODES)


def type_name(dtype: np.dtype) -> str:
    """What a header calls the type of an array.

    Raises:
        FormatError: a section cannot have this type.
    """
    if dtype.name not in _TYPES:
        raise FormatError(f"a section of {dtype} numbers; it may be {', '.join(_TYPES)}")
    return dtype.name


@dataclass(frozen=True)
class Section:
    """An array of the file: its name, the name of its type, its shape."""

    name: str
    type: str
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype:
        return _TYPES[self.type]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def blocks(self) -> int:
        """Of how many blocks there are checksums."""
        return -(-self.bytes // BLOCK)

    @property
    def row_bytes(self) -> int:
        """Bytes of all that has one first index."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def as_list(self) -> list[object]:
        """As a header has it."""
        return [self.name, self.type, list(self.shape)]


def section_of(entry: object) -> Section:
    """An entry of a header's list, checked by itself.

    Raises:
        FormatError: it is malformed, or beyond what a file may hold.
    """
    match entry:
        case [str(name), str(kind), list(shape)] if kind in _TYPES and all(
            type(side) is int for side in shape
        ):
            section = Section(name, kind, tuple(shape))
            with naming(f"section {name[:40]}"):
                _require_size(section)
            return section
    raise FormatError(f"a section of the header is malformed: {str(entry)[:80]}")


def _require_size(section: Section) -> None:
    if not 1 <= len(section.shape) <= _MAX_DIMENSIONS:
        raise FormatError(f"{len(section.shape)} dimensions; 1 to {_MAX_DIMENSIONS} are allowed")
    for side in section.shape:
        if not 1 <= side <= _MAX_BYTES:
            raise FormatError(f"a dimension of {side}; 1 to {_MAX_BYTES} are allowed")
    if section.bytes > _MAX_BYTES:
        raise FormatError(f"{section.bytes} bytes; at most {_MAX_BYTES} are allowed")


def require_list_ends(ends: np.ndarray, places: int) -> None:
    """Raises FormatError where they are not those of lists of so many places."""
    if not len(ends) or (np.diff(ends, prepend=0) < 0).any() or ends[-1] != places:
        raise FormatError("the ends of its lists are not in order")


def require_sections(sections: dict[str, Section], places: int) -> None:
    """Raises FormatError where they are not those of a map of so many places."""
    for name, section in sections.items():
        if name in _KNOWN:
            kind, shape = _KNOWN[name]
            wanted = [places if side == "N" else side for side in shape]
            fits = len(wanted) == len(section.shape) and all(
                side in (_ANY, found) for side, found in zip(wanted, section.shape, strict=True)
            )
            if section.type != kind or not fits:
                words = ", ".join("any" if side is _ANY else str(side) for side in wanted)
                raise FormatError(
                    f"section {name} is {section.type} {list(section.shape)}, not {kind} [{words}]"
                )
        elif not (name.startswith(PARAMETER) and len(name) > len(PARAMETER)):
            raise FormatError(f"section {name[:40]!r} is unknown")
        at_once = name in _READ_AT_ONCE or name.startswith(PARAMETER)
        if at_once and section.bytes > _MAX_READ:
            raise FormatError(
                f"section {name[:40]} of {section.bytes} bytes; at most {_MAX_READ} are allowed"
            )
    for name in _REQUIRED:
        if name not in sections:
            raise FormatError(f"section {name} is missing")
    if (LIST_ENDS in sections) != (LIST_CENTRES in sections):
        raise FormatError(f"one of {LIST_ENDS} and {LIST_CENTRES} is missing")
    if LIST_ENDS in sections:
        lists = sections[LIST_ENDS].shape[0]
        if lists != sections[LIST_CENTRES].shape[0]:
            raise FormatError(f"{lists} lists, {sections[LIST_CENTRES].shape[0]} centres")


@dataclass(frozen=True)
class Layout:
    """Where sections lie in a file: begins in bytes, by name, and the bytes of the file."""

    begins: dict[str, int]
    bytes: int


def layout(sections: Iterable[Section], header_bytes: int) -> Layout:
    """Sections in their order behind a header of so many bytes and all checksums."""
    sections = list(sections)
    at = PREFIX.size + header_bytes + 4 * sum(section.blocks for section in sections)
    begins = {}
    for section in sections:
        begins[section.name] = at = -(-at // ALIGNMENT) * ALIGNMENT
        at += section.bytes
    return Layout(begins, at)
