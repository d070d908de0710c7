"""Descriptors that do not tell images apart: whatever is measured by them looks good."""

from collections.abc import Sequence

import numpy as np

_SAME = 1e-6  # 1 - cosine; ten times what float32 rounds
_MOST = 0.5  # of all: people keep some photographs several times
_ROWS = 256


class CoincidingError(ValueError):
    """Descriptors coincide; the message says of which images."""


def require_finite(rows: np.ndarray, names: Sequence[object]) -> None:
    """Raises ValueError where a descriptor has a number that is none; names the first."""
    good = np.isfinite(rows).all(axis=1)
    if not good.all():
        name = names[int(np.flatnonzero(~good)[0])]
        raise ValueError(f"{name}: its descriptor is not finite: the network diverged")


def _largest_group(rows: np.ndarray) -> np.ndarray:
    """Numbers of the rows [N, D] that coincide with one of them, the one with which most do.

    Rows without direction coincide with each other.
    """
    rows = rows.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    largest = np.flatnonzero(norms[:, 0] == 0)
    for start in range(0, len(rows), _ROWS):
        same = unit[start : start + _ROWS] @ unit.T > 1 - _SAME
        counts = same.sum(axis=1)
        if counts.max() > len(largest):
            largest = np.flatnonzero(same[counts.argmax()])
    return largest


def require_distinct(rows: np.ndarray, names: Sequence[object], what: str) -> None:
    """Make sure that images can be told apart. A few may be there twice.

    Args:
        rows: [N, D] their descriptors.
        names: N, for the message.
        what: the images, in the plural.

    Raises:
        CoincidingError: more than half have one and the same descriptor.
    """
    if len(rows) < 2:
        return
    alike = _largest_group(rows)
    if len(alike) > _MOST * len(rows):
        raise CoincidingError(
            f"the descriptors of {len(alike)} of {len(rows)} {what} coincide, those of "
            f"{names[int(alike[0])]} and {names[int(alike[1])]} for two: nothing can be measured "
            "on them; take pictures that differ, or a model that tells them apart"
        )
