"""Levels at equal distances."""

import numpy as np

from pocketvlad.format.quantized_tensor import grid


def levels(survivors: np.ndarray, count: int) -> np.ndarray:
    """`count` evenly spaced values from the smallest to the largest of `survivors` [N].

    >>> levels(np.float32([-1, 0.25, 3]), 3).tolist()
    [-1.0, 1.0, 3.0]
    """
    return np.unique(grid(survivors.min(), survivors.max(), count))
