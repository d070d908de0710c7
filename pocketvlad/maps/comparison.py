"""Queries compared with codes in single precision, so that few places are left that may be among
the nearest."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

UNIT = 2.0**-24
"""Of single precision: the largest relative error of a rounding."""

_ROWS = 4096  # decoded at a time
_NUMBERS = 1 << 18  # of rows so long that fewer are: they stay in a processor's cache
_MANY = 4  # times as many candidates as answers


def rows_at_once(length: int) -> int:
    """How many rows of so many numbers are decoded at a time."""
    return max(1, min(_ROWS, _NUMBERS // length))


def rounded_down(bars: np.ndarray) -> np.ndarray:
    """In single precision."""
    return np.nextafter(bars.astype(np.float32), np.float32(-np.inf))


class Comparison(ABC):
    """Of Q queries with places. Threads may share it.

    most: rows of codes that are compared at a time.
    """

    @property
    @abstractmethod
    def most(self) -> int: ...

    @abstractmethod
    def candidates(
        self, codes: np.ndarray, least: np.ndarray, top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(queries, rows) [m] each: all pairs of a query and a row of codes [n, B] whose similarity
        may be among the query's `top` largest.

        Args:
            least: [Q] the smallest of the `top` largest so far; minus infinity where there are
                fewer.
        """


@dataclass(frozen=True)
class Products(Comparison):
    """The similarities are about `offsets + weights . numbers(codes)`.

    numbers: [n, K] float32 of codes [n, B]. They may be not finite where the codes are of no row.
    weights: [Q, K] float32.  offsets: [Q] float64.  sums: [Q] float64, which no sum of magnitudes
    of weight times number exceeds; None: that is found out for each block.  roundings: [Q] float64,
    how far weights and offsets themselves may be off.
    """

    numbers: Callable[[np.ndarray], np.ndarray]
    weights: np.ndarray
    offsets: np.ndarray
    sums: np.ndarray | None
    roundings: np.ndarray

    @property
    def most(self) -> int:
        return rows_at_once(max(self.weights.shape))

    def candidates(
        self, codes: np.ndarray, least: np.ndarray, top: int
    ) -> tuple[np.ndarray, np.ndarray]:
        near, slack = self.near(codes)
        bars = least - self.offsets - slack
        found = _not_below(near, bars)
        if len(found) > _MANY * top * len(near) and top < len(codes):
            # The place of the top-th product has a similarity of at least that less its slack.
            lasts = np.partition(near, -top, axis=1)[:, -top]
            found = _not_below(near, np.maximum(bars, lasts - 2 * slack))
        return np.divmod(found, len(codes))

    def near(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(products [Q, n] float32, slack [Q]): no similarity is off by more than its slack from
        `offsets` and its product.

        A sum of K products in any order is off by at most K roundings of the sum of their
        magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). Twice as
        many are allowed. Where a number is not finite, the slack is not, either.
        """
        numbers = self.numbers(codes)
        sums = self.sums
        if sums is None:
            # No row is longer than all of them together (Cauchy and Schwarz).
            sums = np.linalg.norm(self.weights, axis=1) * np.sqrt(np.vdot(numbers, numbers))
        slack = 2 * UNIT * (numbers.shape[1] + 2) * sums + self.roundings
        return self.weights @ numbers.T, slack


def _not_below(near: np.ndarray, bars: np.ndarray) -> np.ndarray:
    """Which products [Q, n], counted through, are not below the bars [Q].

    What is not a number is below nothing: its place is decoded, and told.
    """
    return np.flatnonzero(~(near < rounded_down(bars)[:, None]))


def of_numbers(numbers: Callable[[np.ndarray], np.ndarray], prepared: np.ndarray) -> Products:
    """Of prepared queries [Q, L] with what `numbers` makes of codes: the decoded rows."""
    none = np.zeros(len(prepared))
    return Products(numbers, prepared.astype(np.float32, copy=False), none, None, none)
