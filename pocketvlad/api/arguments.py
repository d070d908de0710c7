"""What callers give, as what is worked with. Takes no torch."""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.data.box import Box
from pocketvlad.networks.settings import DEVICES
from pocketvlad.scoring.ranking import METRICS
from pocketvlad.util.option_error import OptionError

NamedRows = str | PathLike | tuple[Sequence[str], np.ndarray]
"""An .npz file with `names` [N] and `descriptors` [N, D], or these two."""


def as_named_rows(source: NamedRows, option: str) -> Path | tuple[np.ndarray, np.ndarray]:
    """A file, or names and rows as arrays. Raises OptionError where it is neither."""
    remedy = "give a file, or a tuple of names and rows"
    if isinstance(source, str | PathLike):
        return Path(source)
    if not isinstance(source, tuple):
        raise OptionError(option, f"a {type(source).__name__}", remedy)
    if len(source) != 2:
        raise OptionError(option, f"a tuple of {len(source)}", remedy)
    try:
        names, rows = map(np.asarray, source)
    except ValueError:
        remedy = "give names [N] and rows [N, D], all of one length"
        raise OptionError(option, "rows of several lengths", remedy) from None
    return names, rows


def listed(photographs: Iterable[str | PathLike]) -> list[Path]:
    """The files, as paths.

    Raises:
        TypeError: it is one file, whose letters would be taken for files.
    """
    if isinstance(photographs, str | PathLike):
        raise TypeError(f"photographs={photographs!r} is one file; give a list of files")
    return list(map(Path, photographs))


def as_box(box: object) -> Box | None:
    """A box of a query, whose numbers may lie anywhere. Raises OptionError where it has none."""
    if box is None:
        return None
    try:
        x1, y1, x2, y2 = box
        return float(x1), float(y1), float(x2), float(y2)
    except (TypeError, ValueError):
        raise OptionError("box", box, "give four numbers, x1 y1 x2 y2 in pixels") from None


def require_of_map(photographs: str | PathLike | None, of_folder: bool) -> None:
    """Raises OptionError where a folder is searched and the photographs of a map are named."""
    if photographs is not None and of_folder:
        raise OptionError(
            "photographs", photographs, "it is for a map; the database is a folder itself"
        )


def require_metric(metric: object) -> None:
    """Raises OptionError where descriptors cannot be compared so."""
    if not isinstance(metric, str) or metric not in METRICS:
        raise OptionError("metric", metric, f"choose among {', '.join(METRICS)}")


def require_device(device: object) -> None:
    """Raises OptionError where nothing can be computed on it, whatever this machine has."""
    if device not in DEVICES:
        raise OptionError("device", device, f"choose among {', '.join(DEVICES)}")
