"""Where a map's photographs were taken: as is asked for, as the map has it, or as names say."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path, PurePath

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.position_error import PositionError
from pocketvlad.data.positions import has_position, named_position, positions_of_files, some
from pocketvlad.data.sections import IN_NAMES
from pocketvlad.maps.map_settings import NO_POSITIONS
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.option_error import OptionError
from pocketvlad.util.shown import shown

Position = tuple[float, float]
"""Easting and northing in metres."""

ADVICE = f', or keep none with --positions {NO_POSITIONS} (in Python, positions="{NO_POSITIONS}")'
"""Where some photographs have a position and others have not."""


@dataclass(frozen=True)
class PositionWish:
    """What is asked of a map's positions.

    given: by the photographs' names in the map; None: see `beside`.  kept: whether there are to be
    any.  files: all images of the folder by these names; what the files are called may say where
    they were taken.  label: the folder's.  note: how positions were converted.
    """

    given: Mapping[str, Position] | None = None
    kept: bool = True
    files: Mapping[str, Path] = field(default_factory=dict)
    label: str = ""
    note: str | None = None

    def beside(self, stored: Mapping[str, Position] | None) -> Mapping[str, Position] | None:
        """Positions by name; None where there are to be none.

        Where nothing is given, those of the map that is there stay, else images have those of
        their names if all names have one; a warning tells if some have none. In a map that has
        some, a new image has that of its name only if all others have those of their names: else
        two systems of positions might be mixed.

        Args:
            stored: of the map that is there; None: it has none, or there is no map.

        """
        if not self.kept:
            return None
        if self.given is not None:
            return self.given
        without = [path for path in self.files.values() if not has_position(path.name)]
        if stored is None:
            if not without and self.files:
                return self._named()
            if any(named_position(path.name) for path in self.files.values()):
                self._warn(without)
            return None
        if not without and not self.files.keys() <= stored.keys():
            named = self._named()
            if all(stored.get(name, at) == at for name, at in named.items()):
                return named
        return stored

    def _warn(self, without: Sequence[Path]) -> None:
        """Names look as if they had positions, and `without` have none."""
        warnings.warn(
            f"{self.label}: {len(without)} of {len(self.files)} names have no position "
            f"(@easting@northing@...@.jpg, in metres): {some([str(path) for path in without])}; "
            f"the map has none. To have them, give a table with --positions{ADVICE}",
            PhotographWarning,
            stacklevel=4,
        )

    def _named(self) -> dict[str, Position]:
        return positions_of_files(self.files, None, self.label, otherwise=ADVICE)


def position_wish(
    asked: Mapping[str, Position] | str | Path | None, folder: Path, files: Mapping[str, Path]
) -> PositionWish:
    """What is asked for, read and checked.

    Args:
        asked: positions by name; a table; IN_NAMES; NO_POSITIONS; or None, nothing is said.
        files: see `PositionWish`.

    Raises:
        OptionError: it is none of these.
        PositionError: positions are missing or wrong; names the table and its line, or the image.
        ImportError: the table has degrees, and pyproj is missing.
    """
    label, note = str(folder), None
    if not (asked is None or isinstance(asked, Mapping | str | PathLike)):
        remedy = (
            f'give a table, a dict by the photographs\' paths, "{IN_NAMES}" or "{NO_POSITIONS}"'
        )
        raise OptionError("positions", f"a {type(asked).__name__}", remedy)
    if asked is None or asked == NO_POSITIONS:
        return PositionWish(None, asked is None, files, label)
    if isinstance(asked, Mapping):
        given = _by_path(asked)
    elif asked == IN_NAMES:
        given = positions_of_files(files, None, label, otherwise=ADVICE)
    else:
        table = read_csv_positions(Path(asked))
        given, note = positions_of_files(files, table, label, partial=True), table.note
    return PositionWish(given, True, files, label, note)


def _by_path(asked: Mapping[str, Position]) -> dict[str, Position]:
    """By paths within the folder, each written in one way."""
    given: dict[str, Position] = {}
    for name, at in asked.items():
        if not isinstance(name, str | PathLike):
            raise PositionError(
                f"positions: {name!r} is no path; call photographs by their paths within the folder"
            )
        path, position = PurePath(name).as_posix(), _checked(name, at)
        if given.setdefault(path, position) != position:
            raise PositionError(
                f"positions: {shown(path)} has two, {given[path]} and {position}; leave one of them"
            )
    return given


def _checked(name: str, at: object) -> Position:
    try:
        east, north = map(float, at)
    except (TypeError, ValueError):
        east = north = math.nan
    if not (math.isfinite(east) and math.isfinite(north)):
        raise PositionError(
            f"positions: that of {shown(name)}, {at!r}, is not two finite numbers; give easting "
            "and northing in metres"
        )
    return east, north
