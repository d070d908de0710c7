"""Writing a map of places: whole or not at all."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pocketvlad.format.error import naming
from pocketvlad.format.map_file import MapFile, MapHeader
from pocketvlad.format.map_layout import (
    BLOCK,
    CODES,
    LIST_CENTRES,
    LIST_ENDS,
    MAX_PLACES,
    NAME_ENDS,
    NAMES,
    PARAMETER,
    POSITIONS,
    STAMPS,
    Section,
    layout,
    require_list_ends,
    type_name,
)
from pocketvlad.format.map_names import MAX_NAMES, first_disorder, packed_name
from pocketvlad.format.map_prefix import MAGIC, PREFIX, VERSION
from pocketvlad.util.atomic import replacing
from pocketvlad.util.disk_space import require_space, telling_full_disk
from pocketvlad.util.shown import shown


def write_map(
    path: Path,
    *,
    names: Sequence[str],
    codes: np.ndarray,
    code: Mapping[str, object],
    parameters: Mapping[str, np.ndarray],
    provenance: Mapping[str, object],
    stamps: np.ndarray | None = None,
    positions: np.ndarray | None = None,
    lists: tuple[np.ndarray, np.ndarray] | None = None,
) -> int:
    """Write a map of N places.

    Args:
        names: paths within a folder; those of a list ascend in their bytes.
        codes: [N, B] uint8.
        code, parameters: what decodes them; see `maps.fitted_code`.
        provenance: what the places were described with; see `retrieval.provenance`.
        stamps: [N, 8] uint8, by which a changed photograph is noticed; None: unknown.
        positions: [N, 2] float64, easting and northing in metres; None: unknown.
        lists: (ends [K], centres [K, L]); places before an end and not before the end before are
            those of its list. None: places are in one list, in the order of their names.

    Returns:
        the file's size in bytes.

    Raises:
        ValueError: a name cannot be written or is there twice, or a position is not finite.
        FormatError: no reader would take the file: shapes do not fit, or there are more sections,
            bytes or dimensions than it may have. Nothing is written.
        DiskSpaceError: there is no room for it.
    """
    packed = list(map(packed_name, names))
    if not 1 <= len(packed) <= MAX_PLACES:
        raise ValueError(f"{path}: {len(packed)} places; a map has 1 to {MAX_PLACES}")
    ends = np.cumsum([len(name) for name in packed])
    if ends[-1] > MAX_NAMES:
        raise ValueError(f"{path}: names of {ends[-1]} bytes; at most {MAX_NAMES} are allowed")
    if positions is not None and not np.isfinite(positions).all():
        raise ValueError(f"{path}: a position is not finite")
    if lists is not None:
        with naming(path):
            require_list_ends(lists[0], len(packed))
    _require_order(path, packed, [len(packed)] if lists is None else lists[0].tolist())
    arrays: dict[str, np.ndarray] = {
        NAMES: np.frombuffer(b"".join(packed), np.uint8),
        NAME_ENDS: ends.astype("<u4"),
    }
    if stamps is not None:
        arrays[STAMPS] = stamps
    if positions is not None:
        arrays[POSITIONS] = positions.astype("<f8")
    if lists is not None:
        arrays[LIST_ENDS] = lists[0].astype("<u4")
        arrays[LIST_CENTRES] = lists[1].astype("<f2")
    arrays |= {f"{PARAMETER}{name}": array for name, array in sorted(parameters.items())}
    arrays[CODES] = codes
    with naming(path):
        sections = {
            name: Section(name, type_name(array.dtype), array.shape)
            for name, array in arrays.items()
        }
        text = MapHeader(len(packed), dict(code), dict(provenance), sections).text()
    size = layout(sections.values(), len(text)).bytes
    require_space(path.parent, size, f"writing {path}")
    with telling_full_disk(path), replacing(path) as unfinished:
        with open(unfinished, "wb") as file:
            _write(file, text, sections, arrays.values())
        MapFile(unfinished).close()  # what cannot be read again is not written
    return size


def _require_order(path: Path, names: Sequence[bytes], ends: Sequence[int]) -> None:
    if len(set(names)) != len(names):
        place = first_disorder(sorted(names))
        name = sorted(names)[place].decode("utf-8", "surrogateescape")
        raise ValueError(f"{path}: {shown(name)} is there twice")
    for start, end in zip([0, *ends], ends, strict=False):
        if first_disorder(names[start:end]) is not None:
            raise ValueError(f"{path}: the names of a list are not in order")


def _write(
    file: BinaryIO, text: bytes, sections: Mapping[str, Section], arrays: Iterable[np.ndarray]
) -> None:
    planned = layout(sections.values(), len(text))
    checksums = []
    for section, array in zip(sections.values(), arrays, strict=True):
        file.seek(planned.begins[section.name])  # what is left out reads as zeros
        content = memoryview(np.ascontiguousarray(array, section.dtype).reshape(-1).view(np.uint8))
        for start in range(0, len(content), BLOCK):
            checksums.append(zlib.crc32(content[start : start + BLOCK]))
        file.write(content)
    sums = np.array(checksums, "<u4").tobytes()
    crc = zlib.crc32(sums, zlib.crc32(text))
    file.seek(0)
    file.write(PREFIX.pack(MAGIC, VERSION, 0, len(text), len(checksums), crc) + text + sums)
