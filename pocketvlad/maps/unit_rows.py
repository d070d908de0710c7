"""Rows of unit length."""

import numpy as np


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """[N, L] float32, each row divided by its length; a row of zeros stays.

    >>> unit_rows(np.float32([[3, 4], [0, 0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, np.float32(1))
