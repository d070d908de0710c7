"""How many axes of a PCA rows in single precision can tell."""

import numpy as np


def told_axes(rows: np.ndarray, variances: np.ndarray) -> int:
    """How many of the `variances` along principal axes of `rows` [N, D] are more than rounding.

    Fewer than N - 1 or D are where rows are alike, or depend on each other. Along all other axes
    rounding leaves the square of a row's length by the square of the relative precision, a sum over
    the longer side of `rows` up to so many times that.

    >>> rows = np.float32([[0, 1], [0, 2], [0, 4]])
    >>> told_axes(rows, np.array([2.3, 1e-17]))
    1
    """
    squared_length = float(np.vdot(rows, rows)) / len(rows)
    rounding = max(rows.shape) * float(np.finfo(np.float32).eps) ** 2 * squared_length
    return int((variances > rounding).sum())
