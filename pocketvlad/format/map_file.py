"""A map of places as one file, opened in a time that does not depend on the number of places.

docs/format.md gives the layout, and says what is checked when. The codes and all else that grows
with the places stay in the file until they are asked for.
"""

import json
import mmap
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from pocketvlad.format.checked_blocks import CheckedBlocks
from pocketvlad.format.error import AGAIN, CUT_SHORT, FormatError
from pocketvlad.format.header_json import parsed_header
from pocketvlad.format.map_layout import (
    LIST_ENDS,
    MAX_PLACES,
    NAME_ENDS,
    NAMES,
    PARAMETER,
    POSITIONS,
    Section,
    layout,
    require_list_ends,
    require_sections,
    section_of,
)
from pocketvlad.format.map_names import MAX_NAME, first_disorder, name_fault, unpacked_name
from pocketvlad.format.map_prefix import MAGIC, MAX_HEADER, PREFIX, VERSION
from pocketvlad.util.counted import counted

_MAX_SECTIONS = 64
_ROWS = 1 << 14  # read at a time where all are


@dataclass(frozen=True)
class MapHeader:
    """What a map says of itself.

    places: N.  code: what declares the code, for `map_code.code_of`.  provenance: what the places
    were described with.  sections: by name, in the file's order.
    """

    places: int
    code: dict[str, object]
    provenance: dict[str, object]
    sections: dict[str, Section]

    def text(self) -> bytes:
        """As the file has it.

        Raises:
            FormatError: a reader would refuse it.
        """
        content = {
            "places": self.places,
            "code": self.code,
            "provenance": self.provenance,
            "sections": [section.as_list() for section in self.sections.values()],
        }
        try:
            text = json.dumps(content, sort_keys=True, allow_nan=False).encode("ascii")
        except (ValueError, RecursionError) as error:
            raise FormatError(f"the header cannot be written: {error}") from None
        _require_header_bytes(len(text))
        self.of(text)
        return text

    @classmethod
    def of(cls, text: bytes) -> "MapHeader":
        """The header in `text`.

        Raises:
            FormatError: it is none, or a hostile one.
        """
        try:
            content = parsed_header(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"the header cannot be read: {error}") from None
        match content:
            case {
                "places": int(places),
                "code": dict(code),
                "provenance": dict(provenance),
                "sections": list(entries),
            } if type(places) is int and 1 <= places <= MAX_PLACES:
                pass
            case _:
                raise FormatError(f"the header is not that of a map: {str(content)[:80]}")
        if len(entries) > _MAX_SECTIONS:
            raise FormatError(f"{len(entries)} sections; at most {_MAX_SECTIONS} are allowed")
        sections = {section.name: section for section in map(section_of, entries)}
        if len(sections) != len(entries):
            raise FormatError("the header lists a section twice")
        require_sections(sections, places)
        return cls(places, code, provenance, sections)


def _require_header_bytes(size: int) -> None:
    if size > MAX_HEADER:
        raise FormatError(f"a header of {size} bytes; at most {MAX_HEADER} are allowed")


def _read(file: BinaryIO) -> tuple[MapHeader, np.ndarray, dict[str, int], int]:
    """(header, checksums of all blocks, where sections begin, where checksums end) of a file."""
    size = file.seek(0, 2)
    file.seek(0)
    prefix = file.read(PREFIX.size)
    if not prefix.startswith(MAGIC):
        raise FormatError("it does not begin as a .pvmap file does; give one")
    if len(prefix) < PREFIX.size:
        raise FormatError(f"the file ends too early; {CUT_SHORT}")
    _, version, zero, length, count, crc = PREFIX.unpack(prefix)
    if (version, zero) != (VERSION, 0):
        raise FormatError(
            f"format version {version}.{zero} is unknown; this program reads {VERSION}: take the "
            "one that wrote it, or make the map again"
        )
    _require_header_bytes(length)
    if PREFIX.size + length + 4 * count > size:
        raise FormatError(f"the file ends too early; {CUT_SHORT}")
    text, sums = file.read(length), file.read(4 * count)
    if len(text) + len(sums) != length + 4 * count:
        raise FormatError(f"the file ends too early; {CUT_SHORT}")
    if zlib.crc32(sums, zlib.crc32(text)) != crc:
        raise FormatError(f"the header is damaged (checksum); {AGAIN}")
    header = MapHeader.of(text)
    blocks = sum(section.blocks for section in header.sections.values())
    if blocks != count:
        raise FormatError(f"{count} checksums found, {blocks} expected")
    planned = layout(header.sections.values(), length)
    if planned.bytes != size:
        remedy = CUT_SHORT if size < planned.bytes else AGAIN
        raise FormatError(f"{size} bytes found, {planned.bytes} expected; {remedy}")
    return header, np.frombuffer(sums, "<u4"), planned.begins, file.tell()


class MapFile:
    """An open map. Use it in `with`, or `close` it: Windows replaces no file that is open.

    Whatever is asked of it may raise FormatError, which names the file: blocks are checked when
    they are first read.
    """

    def __init__(self, path: Path) -> None:
        """Read the header; O(header), whatever the number of places.

        Raises:
            FormatError: damaged, truncated, hostile, or of an unknown version; names the file.
            OSError: it cannot be read.
        """
        self.path = path
        self._blocks: dict[str, CheckedBlocks] = {}
        with open(path, "rb") as file, self._named():
            self.header, checksums, begins, end = _read(file)
            content = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        at = 0
        for name, section in self.header.sections.items():
            begin = begins[name]
            if content[end:begin].any():
                with self._named():
                    raise FormatError(f"the bytes before section {name} are not 0")
            end = begin + section.bytes
            self._blocks[name] = CheckedBlocks(
                name,
                content[begin : begin + section.bytes],
                checksums[at : at + section.blocks],
            )
            at += section.blocks
        with self._named():
            self.list_ends = self._list_ends()
            self._require_names_end()

    @property
    def places(self) -> int:
        return self.header.places

    @property
    def sections(self) -> Mapping[str, Section]:
        """By name, in the file's order."""
        return self.header.sections

    def rows(self, name: str, start: int, stop: int) -> np.ndarray:
        """[stop - start, ...] of a section, a view of the file that cannot be written to. Raises
        ValueError where the map is closed, as Python's files do."""
        if not self._blocks:
            raise ValueError(f"{self.path} is closed; open it again")
        section = self.sections[name]
        size = section.row_bytes
        with self._named():
            content = self._blocks[name].read(start * size, stop * size)
        return content.view(section.dtype).reshape(-1, *section.shape[1:])

    def whole(self, name: str) -> np.ndarray:
        """A section, see `rows`."""
        return self.rows(name, 0, self.sections[name].shape[0])

    def parameters(self) -> dict[str, np.ndarray]:
        """The code's, by their names without prefix."""
        return {
            name.removeprefix(PARAMETER): self.whole(name)
            for name in self.sections
            if name.startswith(PARAMETER)
        }

    def names(self, start: int, stop: int) -> list[str]:
        """Of the places `start` to `stop`."""
        return list(map(unpacked_name, self._packed_names(start, stop)))

    def position(self, place: int) -> tuple[float, float] | None:
        """Easting and northing in metres; None where the map has no positions."""
        if POSITIONS not in self.sections:
            return None
        [(easting, northing)] = self.rows(POSITIONS, place, place + 1).tolist()
        with self._named():
            _require_finite(np.array([easting, northing]))
        return easting, northing

    def positions_by_name(self) -> dict[str, tuple[float, float]] | None:
        """Easting and northing of each place, in metres; None where the map has none."""
        if POSITIONS not in self.sections:
            return None
        rows = self.whole(POSITIONS)
        with self._named():
            _require_finite(rows)
        return dict(zip(self.all_names(), map(tuple, rows.tolist()), strict=True))

    def all_names(self) -> Iterator[str]:
        """Of all places, in their order. Those of a list are held against one another."""
        before, ends = b"", set(self.list_ends.tolist())
        for start in range(0, self.places, _ROWS):
            found = self._packed_names(start, min(start + _ROWS, self.places))
            for place, name in enumerate(found, start):
                if place and place not in ends and first_disorder((before, name)):
                    with self._named():
                        raise FormatError(f"the names of places {place - 1} and {place} are one, "
                                          "or not in order")  # fmt: skip
                before = name
                yield unpacked_name(name)

    def verify(self) -> None:
        """Read all of the file.

        Raises:
            FormatError: anything is damaged, a name occurs twice or is none, or a position is not
                finite.
        """
        for name in self.sections:
            self.whole(name)
        seen: set[str] = set()
        for name in self.all_names():
            seen.add(name)
        with self._named():
            if len(seen) != self.places:
                twice = self.places - len(seen)
                verb = "occurs" if twice == 1 else "occur"
                raise FormatError(f"{counted(twice, 'name')} {verb} twice")
            if POSITIONS in self.sections:
                _require_finite(self.whole(POSITIONS))

    def close(self) -> None:
        """Let go of the file. Views of it that are held elsewhere keep it open."""
        self._blocks.clear()

    def __enter__(self) -> "MapFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _packed_names(self, start: int, stop: int) -> list[bytes]:
        """Checked, each by itself."""
        before = max(start - 1, 0)
        ends = self.rows(NAME_ENDS, before, stop).astype(np.int64)
        ends = ends if start else np.concatenate([[0], ends])
        with self._named():
            lengths = np.diff(ends)
            if (lengths < 0).any() or ends[-1] > self.sections[NAMES].bytes:
                raise FormatError(f"the ends of the names {start} to {stop} are not in order")
            if (lengths > MAX_NAME).any():  # before so many bytes are read
                place = start + int(lengths.argmax())
                raise FormatError(
                    f"the name of place {place} has {lengths.max()} bytes; a map's names have 1 to "
                    f"{MAX_NAME}"
                )
        content = self.rows(NAMES, int(ends[0]), int(ends[-1])).tobytes()
        places = (ends - ends[0]).tolist()
        found = [content[a:b] for a, b in pairwise(places)]
        for place, name in enumerate(found, start):
            if fault := name_fault(name):
                with self._named():
                    raise FormatError(f"the name of place {place} {fault}")
        return found

    def _require_names_end(self) -> None:
        """Bytes behind the last name would be read by nobody. Takes one block of the ends."""
        last = int(self.rows(NAME_ENDS, self.places - 1, self.places)[0])
        end = self.sections[NAMES].bytes
        if last != end:
            raise FormatError(f"the last name ends at byte {last}, section {NAMES} at {end}")

    def _list_ends(self) -> np.ndarray:
        """[K] int64 Where each list of places ends; one list where the map has none."""
        if LIST_ENDS not in self.sections:
            return np.array([self.places])
        ends = self.whole(LIST_ENDS).astype(np.int64)
        require_list_ends(ends, self.places)
        return ends

    def _named(self) -> "_Named":
        return _Named(self.path)


def _require_finite(positions: np.ndarray) -> None:
    if not np.isfinite(positions).all():
        raise FormatError("a position is not finite")


class _Named:
    """Errors that leave the block name the file, once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FormatError) and not str(error).startswith(f"{self._path}: "):
            raise FormatError(f"{self._path}: {error}") from None
