"""Descriptors that do not tell images apart: whatever is measured by them looks good."""

from collections.abc import Sequence

import numpy as np

_SAME = 1e-6  # 1 - cosine; ten times what float32 rounds
_MOST = 0.5  # of all: some people keep their photographs twice
_ROWS = 256


class CoincidingError(ValueError):
    """Descriptors coincide; the message says of which images."""


def require_finite(rows: np.ndarray, names: Sequence[object]) -> None:
    """Raises ValueError where a descriptor has a number that is none; names the first."""
    good = np.isfinite(rows).all(axis=1)
    if not good.all():
        name = names[int(np.flatnonzero(~good)[0])]
        raise ValueError(f"{name}: its descriptor is not finite: the network diverged")


def _twins(rows: np.ndarray) -> np.ndarray:
    """[N] For each of N >= 2 rows the number of one that it coincides with; -1: there is none.

    A row without direction coincides with all.
    """
    rows = rows.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    found = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _ROWS):
        cosines = unit[start : start + _ROWS] @ unit.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -2
        nearest = cosines.argmax(axis=1)
        same = cosines[own, nearest] > 1 - _SAME
        lost = norms[start : start + _ROWS, 0] == 0
        found[start : start + _ROWS] = np.where(same | lost, nearest, -1)
    return found


def require_distinct(rows: np.ndarray, names: Sequence[object], what: str) -> None:
    """Make sure that most images can be told apart.

    Args:
        rows: [N, D] their descriptors.
        names: N, for the message.
        what: the images, in the plural.

    Raises:
        CoincidingError: more than half have the descriptor of another one.
    """
    if len(rows) < 2:
        return
    twins = _twins(rows)
    alike = np.flatnonzero(twins >= 0)
    if len(alike) > _MOST * len(rows):
        one = int(alike[0])
        raise CoincidingError(
            f"the descriptors of {len(alike)} of {len(rows)} {what} coincide with others, "
            f"{names[one]} and {names[int(twins[one])]} for two: nothing can be measured on them; "
            "take pictures that differ, or a model that tells them apart"
        )
