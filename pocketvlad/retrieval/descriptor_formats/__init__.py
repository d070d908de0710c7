"""Formats of files of descriptors, a module each.

A module has `SUFFIXES`; `NEEDS`, the package that it imports and our extra that brings it, or None;
`HAS_NAMES`, whether its files have names of images, and if so `called`, what they call an image of
some name; `REMEDY`, what a file must hold; `read` and `write`. Nothing else has to know of it.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np

from pocketvlad.util.discovery import modules_in


class Content(NamedTuple):
    """What a file holds, not checked yet.

    names: [N], or None where the format has none.  rows: [N, D].  made: what they were made with,
    see `retrieval.provenance`; None where that is not known.
    """

    names: np.ndarray | None
    rows: np.ndarray
    made: str | None


class ContentError(ValueError):
    """A file is not what it must be; the message does not name it."""


@cache
def formats() -> dict[str, ModuleType]:
    """The modules by suffix.

    >>> sorted(formats())
    ['.h5', '.hdf5', '.npy', '.npz']
    """
    modules = modules_in(__name__, __path__).values()
    return {suffix: module for module in modules for suffix in module.SUFFIXES}


def require_package(path: Path) -> None:
    """Raises ImportError where a file of this name needs a package that is not installed."""
    module = formats().get(path.suffix.lower())
    if module and module.NEEDS and find_spec(module.NEEDS[0]) is None:
        package, extra = module.NEEDS
        raise ImportError(f"{path} needs {package}; pip install 'pocketvlad[{extra}]', or use .npz")


def text_names(names: Sequence[str]) -> np.ndarray:
    """[N] Names as `Content` has them."""
    return np.array(list(names), dtype=str)
