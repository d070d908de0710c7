"""How the levels of a layer are chosen, a module a quantizer, found by its file name.

A module has `levels(survivors, count)`: at most `count` rising float32 values for `survivors`, the
float32 weights [N] of a layer that are not zero.
"""

from collections.abc import Callable

import numpy as np

from pocketvlad.compression.quantizer_names import QUANTIZERS, ROW
from pocketvlad.util.discovery import modules_in

_MODULES = modules_in(__name__, __path__)


def levels_of(quantizer: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """The function that chooses a quantizer's levels.

    Raises:
        ValueError: there is no such quantizer.
    """
    if quantizer not in QUANTIZERS:
        raise ValueError(f"quantizer {quantizer!r} is unknown; choose among {QUANTIZERS}")
    return _MODULES[quantizer.removesuffix(ROW)].levels


def by_rows(quantizer: str) -> bool:
    """Whether a quantizer divides every row by a scale."""
    return quantizer.endswith(ROW)
