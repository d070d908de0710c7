"""Queries compared with codes in single precision, and how far that may be off."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_UNIT = 2.0**-24  # of single precision: the largest relative error of a rounding


@dataclass(frozen=True)
class Comparison:
    """The similarities of Q queries to places are about `offsets + weights . numbers(codes)`.

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
        slack = 2 * _UNIT * (numbers.shape[1] + 2) * sums + self.roundings
        return self.weights @ numbers.T, slack


def of_numbers(numbers: Callable[[np.ndarray], np.ndarray], prepared: np.ndarray) -> Comparison:
    """Of prepared queries [Q, L] with what `numbers` makes of codes: the decoded rows."""
    none = np.zeros(len(prepared))
    return Comparison(numbers, prepared.astype(np.float32, copy=False), none, None, none)


def of_bytes(prepared: np.ndarray, low: np.ndarray, step: np.ndarray) -> Comparison:
    """Of prepared queries [Q, L] with codes whose byte c stands for low + (c + 1/2) step, [L] each.

    Bytes become numbers as they are, and the steps are in the weights: decoding takes three times
    as many operations.
    """
    queries, low, step = (each.astype(np.float64) for each in (prepared, low, step))
    weights = queries * step
    # A decoded component is rounded three times, a weight once.
    magnitudes = np.abs(queries) @ (np.abs(low) + 256 * step)
    return Comparison(
        lambda codes: codes.astype(np.float32),
        weights.astype(np.float32),
        queries @ (low + step / 2),
        255 * np.abs(weights).sum(axis=1),
        8 * _UNIT * magnitudes,
    )
