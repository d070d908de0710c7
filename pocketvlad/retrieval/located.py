"""Where the images of a database and of queries were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.positions import positions_in_names, positions_in_table


@dataclass(frozen=True)
class Images:
    """label: what messages call them, such as their folder.  names: paths, as far as they are
    known."""

    label: str
    names: Sequence[str]


@dataclass(frozen=True, eq=False)
class Located:
    """Positions in metres, one system for both: [N, 2] of the database, [Q, 2] of the queries.

    note: see `PositionTable`.
    """

    database: np.ndarray
    queries: np.ndarray
    note: str | None = None


def locate(database: Images, queries: Images, table: Path | None) -> Located:
    """Positions of all images, from a table of them or from their names.

    Raises:
        PositionError: some are missing or wrong; names the file and the remedy.
        ImportError: the table has degrees, and pyproj is missing.
    """
    if table is None:
        each = [positions_in_names(images.label, images.names) for images in (database, queries)]
        return Located(*each)
    read = read_csv_positions(table)
    names = [*database.names, *queries.names]
    found = positions_in_table(read, names, f"{database.label} and {queries.label}")
    count = len(database.names)
    return Located(found[:count], found[count:], read.note)
