"""Where images were taken: in their names, or in a table. Metres east and north.

Names are those of the data sets of visual place recognition: `@easting@northing@...`.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np

from pocketvlad.data.csv_positions import COLUMNS, PositionTable
from pocketvlad.data.image_names import NameIndex, full_path
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.written_number import written_number
from pocketvlad.util.shown import shown

_SHOWN = 3  # names of many


def some(names: Sequence[str]) -> str:
    """The first of many names, for a message.

    >>> some(["a", "b"]), some(["a", "b", "c", "d"])
    ('a, b', 'a, b, c, ...')
    """
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(map(shown, names[:_SHOWN])) + more


def named_position(name: str) -> tuple[str, str] | None:
    """Easting and northing as a file's name has them; an @ in a folder's name says nothing.

    >>> named_position("me@home/@548123.4@4181234.5@10@S@.jpg")
    ('548123.4', '4181234.5')
    >>> named_position("me@home/1.jpg")
    """
    parts = PurePath(name.replace("\\", "/")).name.split("@")
    return (parts[1], parts[2]) if len(parts) > 3 else None


def _number(text: str) -> float:
    """The number; NaN where it is none."""
    try:
        return written_number(text)
    except ValueError:
        return math.nan


def has_position(name: str) -> bool:
    """Whether a file's name has easting and northing, two finite numbers.

    >>> has_position("@548123.4@4181234.5@.jpg"), has_position("me@home@2026@.jpg")
    (True, False)
    >>> has_position("@2026_11_27@0815@.jpg")
    False
    """
    return all(math.isfinite(_number(each)) for each in named_position(name) or ["none"])


def positions_in_names(label: str, names: Sequence[str], otherwise: str = "") -> np.ndarray:
    """[N, 2] float64, easting and northing in metres, of N names.

    Args:
        label: what the names are of; messages begin with it.
        otherwise: what else can be done; messages end with it.

    Raises:
        PositionError: names have no position, or one that is not two finite numbers; says how many
            and which.
    """
    found = [named_position(name) for name in names]
    missing = [name for name, position in zip(names, found, strict=True) if position is None]
    if missing:
        raise PositionError(
            f"{label}: {len(missing)} of {len(names)} names have no position: {some(missing)}; "
            "call each image @easting@northing@...@.jpg, or give a table with --positions "
            f"({','.join(COLUMNS)}){otherwise}"
        )
    numbers = np.array([[_number(each) for each in position] for position in found], dtype=float)
    numbers = numbers.reshape(-1, 2)
    wrong = [names[row] for row in np.flatnonzero(~np.isfinite(numbers).all(axis=1))]
    if wrong:
        raise PositionError(
            f"{label}: the positions of {len(wrong)} of {len(names)} names are not two finite "
            f"numbers: {some(wrong)}; write easting and northing in metres{otherwise}"
        )
    return numbers


def positions_in_table(
    table: PositionTable,
    names: Sequence[str],
    label: str,
    *,
    paths: Sequence[str] | None = None,
    partial: bool = False,
) -> np.ndarray:
    """[N, 2] float64, easting and northing in metres, of N images.

    A row's image may have any number of folders before its name, as long as it means one image.

    Args:
        names: of the images, as far as they are known.
        label: whose images they are, for messages.
        paths: see `NameIndex`.
        partial: whether rows may name images that are not there.

    Raises:
        PositionError: an image has no row or two, or a row names no image or several; names the
            table's file and line.
    """
    index = NameIndex(names, paths)
    lines: dict[int, int] = {}  # image -> its row
    strays = []
    for row, text in enumerate(table.images):
        found = index.find(text)
        if len(found) > 1:
            several = some([names[number] for number in found])
            raise PositionError(
                f"{table.place(row)}: {shown(text)} may be any of {several}; write as many of the "
                "folders before it as tell them apart"
            )
        if not found:
            strays.append(row)
        elif (first := lines.setdefault(found[0], row)) != row:
            raise PositionError(
                f"{table.place(row)}: {shown(names[found[0]])} has a position already, in line "
                f"{table.lines[first]}; leave one of them"
            )
    if strays and not partial:
        first = strays[0]
        others = f", and {len(strays) - 1} other rows name none" if len(strays) > 1 else ""
        raise PositionError(
            f"{table.place(first)}: {shown(table.images[first])} is no image of {label}{others}; "
            "correct the names, or remove the rows"
        )
    missing = [name for number, name in enumerate(names) if number not in lines]
    if missing:
        raise PositionError(
            f"{table.path}: {len(missing)} of {len(names)} images of {label} have no row: "
            f"{some(missing)}; add them"
        )
    return table.metres[[lines[number] for number in range(len(names))]]


def positions_of_files(
    files: Mapping[str, Path],
    table: PositionTable | None,
    label: str,
    *,
    partial: bool = False,
    otherwise: str = "",
) -> dict[str, tuple[float, float]]:
    """Easting and northing of the images of a data set or a folder by their names, in metres.

    Args:
        files: of all its images, by name.
        table: with a row an image; None: names of files have the positions.
        label: whose they are, for messages.
        partial: whether the table may name images that are not there.
        otherwise: see `positions_in_names`.

    Raises:
        PositionError: see `positions_in_names` and `positions_in_table`.
    """
    names = [str(path) for path in files.values()]
    if table is None:
        found = positions_in_names(label, names, otherwise)
    else:
        paths = [full_path(path) for path in files.values()]
        found = positions_in_table(table, names, label, paths=paths, partial=partial)
    return {name: (float(x), float(y)) for name, (x, y) in zip(files, found, strict=True)}
