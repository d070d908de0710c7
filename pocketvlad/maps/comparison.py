"""Queries compared with codes in single precision, and how far that may be off."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_UNIT = 2.0**-24  # of single precision: the largest relative error of a rounding


@dataclass(frozen=True)
class Comparison:
    """The similarities of Q queries to places are about `offsets + weights . numbers(codes)`.

    numbers: [n, K] float32 of codes [n, B]; raises CodeError where these are of no row.
    weights: [Q, K] float32.  offsets, roundings: [Q] float64; roundings: how far weights and
    offsets themselves may be off.  largest: which no magnitude of a number exceeds; None: it is
    looked for.
    """

    numbers: Callable[[np.ndarray], np.ndarray]
    weights: np.ndarray
    offsets: np.ndarray
    roundings: np.ndarray
    largest: float | None = None

    def near(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(products [Q, n] float32, slack [Q]): no similarity is off by more than its slack from
        `offsets` and its product.

        A sum of K products in any order is off by at most K roundings of the sum of their
        magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
        """
        numbers = self.numbers(codes)
        largest = float(np.abs(numbers).max()) if self.largest is None else self.largest
        sums = np.abs(self.weights).sum(axis=1, dtype=np.float64)
        slack = 2 * _UNIT * (numbers.shape[1] + 2) * sums * largest + self.roundings
        return self.weights @ numbers.T, slack


def decoded(decode: Callable[[np.ndarray], np.ndarray], prepared: np.ndarray) -> Comparison:
    """Of prepared queries [Q, L] with what codes decode to."""
    none = np.zeros(len(prepared))
    return Comparison(decode, prepared.astype(np.float32, copy=False), none, none)


def of_bytes(prepared: np.ndarray, low: np.ndarray, step: np.ndarray) -> Comparison:
    """Of prepared queries [Q, L] with codes whose byte c stands for low + (c + 1/2) step, [L] each.

    Bytes become numbers as they are; their steps are in the weights. Else each place would take
    three times as many operations.
    """
    queries, low, step = (each.astype(np.float64) for each in (prepared, low, step))
    # A decoded component is rounded three times, a weight once.
    magnitudes = np.abs(queries) @ (np.abs(low) + 256 * step)
    return Comparison(
        lambda codes: codes.astype(np.float32),
        (queries * step).astype(np.float32),
        queries @ (low + step / 2),
        8 * _UNIT * magnitudes,
        255.0,
    )
