"""The front of best cells: those that no other beats in both size and mAP."""

import numpy as np


def pareto_front(sizes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Numbers of the cells on the front, by rising size.

    A cell is on it unless another one is at most as large and scores at least as high, and is
    better in one of the two. Of equal cells the first stays.

    Args:
        sizes, scores: [N], of each cell.
    """
    best, found = -np.inf, []
    for number in np.lexsort((-np.asarray(scores), np.asarray(sizes))):
        if scores[number] > best:
            best = scores[number]
            found.append(int(number))
    return np.array(found, dtype=int)
