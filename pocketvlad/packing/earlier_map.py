"""The map that a city begins with: only what is new is described, and what was asked for stays."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.format.error import FormatError
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.map_positions import Position
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.util.option_error import OptionError


@dataclass(frozen=True)
class MapHabits:
    """What of a map holds for the next one, whatever describes its photographs.

    code: the short text; None: there is no map.  positions: by the photographs' names; None: none.
    """

    code: str | None = None
    positions: Mapping[str, Position] | None = None


def habits_of(file: Path) -> MapHabits:
    """Those of the map of the city that is there; none where it cannot be read."""
    try:
        with PlaceMap(file) as places:
            return MapHabits(places.code.declared.short, places.file.positions_by_name())
    except (FormatError, OSError):
        return MapHabits()  # packed again, as the message on a damaged city says


def begin_map(new: Path, old: Path, made_with: str, code: str | None) -> None:
    """Leave `new`, of a run that was ended, or copy `old`, of the city that is there, if its places
    are described as they are to be. Else there is no `new`, and all are described.

    Args:
        made_with: see `provenance`.
        code: that the map is to have, as a short text; None: any.

    Raises:
        OptionError: there is no such code.
    """
    if _fits(new, made_with, code):
        return
    new.unlink(missing_ok=True)
    if _fits(old, made_with, code):
        shutil.copyfile(old, new)


def _fits(file: Path, made_with: str, code: str | None) -> bool:
    try:
        with PlaceMap(file) as places:
            same = places.file.header.provenance == json.loads(made_with)
            return same and (code is None or _is(code, places.code.declared))
    except (FormatError, OSError):
        return False


def _is(code: str, declared: object) -> bool:
    try:
        return code_named(code) == declared
    except ValueError as error:
        raise OptionError("code", code, str(error)) from None
