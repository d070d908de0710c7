"""Ours: an .npz of `names`, `descriptors` and, where it is known, `provenance`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pocketvlad.retrieval.descriptor_formats import Content, text_names

SUFFIXES = (".npz",)
NEEDS = None
HAS_NAMES = True
REMEDY = "it must hold `names` [N] and `descriptors` [N, D], as numpy.savez writes them"


def read(path: Path) -> Content:
    """Raises whatever numpy stumbles on."""
    with np.load(path, allow_pickle=False) as file:
        made = str(file["provenance"]) if "provenance" in file else None
        return Content(file["names"], file["descriptors"], made)


def write(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    with open(path, "wb") as file:
        np.savez(file, names=text_names(names), descriptors=rows, provenance=made)
