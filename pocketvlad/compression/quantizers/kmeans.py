"""Levels at the smallest squared distance from the weights: centres of k-means."""

import numpy as np

from pocketvlad.compression.kmeans1d import kmeans1d


def levels(survivors: np.ndarray, count: int) -> np.ndarray:
    """At most `count` centres of `survivors` [N].

    >>> levels(np.float32([-1, -1, 3]), 2).tolist()
    [-1.0, 3.0]
    """
    return kmeans1d(survivors, count)
