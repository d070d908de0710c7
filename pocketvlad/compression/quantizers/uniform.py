"""Levels at equal distances."""

import numpy as np

from pocketvlad.format.quantized_tensor import grid


def levels(survivors: np.ndarray, count: int) -> np.ndarray:
    """`count` evenly spaced values from the smallest to the largest of `survivors` [N]; one alone
    lies in the middle.

    >>> levels(np.float32([-1, 0.25, 3]), 3).tolist()
    [-1.0, 1.0, 3.0]
    """
    first, last = survivors.min(), survivors.max()
    if count == 1:
        first = last = first / 2 + last / 2
    return np.unique(grid(first, last, count))
