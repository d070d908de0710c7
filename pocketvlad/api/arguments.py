"""What callers give, as what is worked with. Takes no torch."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from pocketvlad.api.defaults import Options
from pocketvlad.data.box import Box
from pocketvlad.util.option_error import require_option


def listed(photographs: Iterable[str | PathLike]) -> list[Path]:
    """The files, as paths.

    Raises:
        TypeError: it is one file, whose letters would be taken for files.
    """
    if isinstance(photographs, str | PathLike):
        raise TypeError(f"photographs={photographs!r} is one file; give a list of files")
    return list(map(Path, photographs))


def as_box(box: object) -> Box | None:
    """A box of a query, as four numbers. Raises OptionError where it is none."""
    return None if box is None else require_option(Options, "box", box)
