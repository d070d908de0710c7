"""Where the images of a database and of queries were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.image_names import full_path
from pocketvlad.data.positions import positions_in_names, positions_in_table


@dataclass(frozen=True)
class Images:
    """label: what messages call them, such as their folder.  names: paths, as far as they are
    known.  files: whether they are those of files that are there."""

    label: str
    names: Sequence[str]
    files: bool = False

    @property
    def paths(self) -> list[str]:
        """With all folders that are known."""
        return [full_path(name) if self.files else name for name in self.names]


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
    label, paths = f"{database.label} and {queries.label}", [*database.paths, *queries.paths]
    found = positions_in_table(read, names, label, paths=paths)
    count = len(database.names)
    return Located(found[:count], found[count:], read.note)
