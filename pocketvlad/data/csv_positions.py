"""Positions of images as a table: `image,easting,northing` or `image,latitude,longitude`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.data.csv_file import csv_lines, separator_hint
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.utm import LATITUDES, LONGITUDES, TOO_FAR, Zone
from pocketvlad.data.written_number import written_number
from pocketvlad.util.counted import counted
from pocketvlad.util.shown import shown

IMAGE = "image"
METRES = ("easting", "northing")
DEGREES = ("latitude", "longitude")
COLUMNS = (IMAGE, *METRES)
_EITHER = f"{','.join(COLUMNS)} or {IMAGE},{','.join(DEGREES)}"
_RANGES = dict(zip(DEGREES, (LATITUDES, LONGITUDES), strict=True))


@dataclass(frozen=True, eq=False)
class PositionTable:
    """The rows of a table.

    path: the file.  lines: of each row, the number of its line.  images: of each row, the text
    that names its image.  metres: [R, 2] float64, easting and northing.  zone: the UTM zone that
    degrees were converted to, such as "31N"; None where the table has metres.
    """

    path: Path
    lines: list[int]
    images: list[str]
    metres: np.ndarray
    zone: str | None

    @property
    def note(self) -> str | None:
        """How positions were converted; None where they were metres already."""
        return f"{self.path}: converted to UTM zone {self.zone}" if self.zone else None

    def place(self, row: int) -> str:
        """Where a row stands: file and line."""
        return f"{self.path}, line {self.lines[row]}"


def _pair(path: Path, head: Sequence[str]) -> tuple[str, str]:
    """Which two columns have the position; the others may be anything."""
    known = [name for name in head if name in (IMAGE, *METRES, *DEGREES)]
    for pair in (METRES, DEGREES):
        if sorted(known) == sorted((IMAGE, *pair)):
            return pair
    raise PositionError(
        f"{path} has the columns {shown(','.join(head))}; write {_EITHER}, each once, and not both"
        f"{separator_hint(head)}"
    )


def _number(place: str, column: str, text: str) -> float:
    try:
        number = written_number(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise PositionError(
            f"{place}: {column} {shown(repr(text))} is no finite number; write "
            f"{'degrees' if column in DEGREES else 'metres'} with a decimal point"
        )
    low, high = _RANGES.get(column, (-math.inf, math.inf))
    if not low <= number <= high:
        swapped = ": are latitude and longitude swapped?" if column == DEGREES[0] else ""
        raise PositionError(
            f"{place}: {column} {text} is out of range; write {low:g} to {high:g}{swapped}"
        )
    return number


def read_csv_positions(path: Path) -> PositionTable:
    """The rows of a table, in metres. Degrees are converted to the UTM zone of the first row, all
    of them, so that distances are right across the border of a zone.

    Columns may stand in any order, and other columns are not read.

    Raises:
        PositionError: a column is missing, or a cell is no number or out of range; names file and
            line.
        ImportError: there are degrees, and pyproj is missing.
    """
    rows = csv_lines(path, PositionError)
    head = rows[0][1] if rows else []
    pair = _pair(path, head)
    if len(rows) == 1:
        raise PositionError(f"{path} has no rows: no image has a position; write one for each")
    at = [head.index(name) for name in (IMAGE, *pair)]
    lines, images, numbers = [], [], []
    for line, cells in rows[1:]:
        place = f"{path}, line {line}"
        if len(cells) != len(head):
            raise PositionError(
                f"{place}: {counted(len(cells), 'cell')}, {len(head)} expected "
                f"({shown(','.join(head))})"
            )
        image, *texts = (cells[number] for number in at)
        if not image:
            raise PositionError(f"{place}: an image has no name; write the file's")
        lines.append(line)
        images.append(image)
        numbers.append([_number(place, *each) for each in zip(pair, texts, strict=True)])
    found = np.array(numbers)
    if pair == METRES:
        return PositionTable(path, lines, images, found, None)
    zone = Zone.of(*found[0])
    far = np.flatnonzero(zone.away(found[:, 1]) > TOO_FAR)
    if len(far):
        raise PositionError(
            f"{path}, line {lines[far[0]]}: {shown(images[far[0]])} lies more than {TOO_FAR} "
            f"degrees of longitude from UTM zone {zone}, that of the first row, so that distances "
            "would be wrong; are latitude and longitude swapped? Else score each region by itself"
        )
    return PositionTable(path, lines, images, zone.metres(found), str(zone))
