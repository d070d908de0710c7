"""An array alone, a row an image: half of the pair that VPR-methods-evaluation saves.

It has no names. Its rows are in the order of `data.image_listing`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pocketvlad.retrieval.descriptor_formats import Content

SUFFIXES = (".npy",)
NEEDS = None
HAS_NAMES = False
REMEDY = "it must hold an array [N, D] of floating-point numbers, as numpy.save writes it"


def read(path: Path) -> Content:
    """Raises whatever numpy stumbles on."""
    # Mapped, so that a header that claims more than the file has costs no memory.
    return Content(None, np.array(np.load(path, mmap_mode="r", allow_pickle=False)), None)


def write(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    """Names and provenance have no place in it."""
    with open(path, "wb") as file:
        np.save(file, rows)
