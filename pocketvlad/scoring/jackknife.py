"""How far a mean over queries may lie from the truth, when few landmarks and trainings made it.

The variance is the jackknife's: the mean is taken again without each landmark in turn (Efron &
Tibshirani 1993, chapter 11). Over clusters of unlike size it errs on the safe side (Hansen,
"Jackknife standard errors for clustered regression", 2022; MacKinnon, Nielsen & Webb 2023).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, ndtr

_LEVEL = 0.95
_GRID = 1 << 16  # points that the distribution of a variance is read at: five digits of the factor


def landmark_variance(values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """[...] The variance of the mean over queries, of which landmarks are the independent parts.

    Args:
        values: [..., N], queries of one landmark side by side.
        sizes: the number of queries of each of the landmarks, two or more.
    """
    counts = np.asarray(sizes)
    sums = np.add.reduceat(values, np.cumsum(counts) - counts, axis=-1)
    total, number = values.sum(axis=-1, keepdims=True), len(counts)
    without = (total - sums) / (counts.sum() - counts)
    apart = np.square(without - total / counts.sum()).sum(axis=-1)
    return (number - 1) / number * apart


def variance_of_trainings(values: np.ndarray) -> np.ndarray:
    """[...] The variance of the trainings' mean, all else as it is; 0 with one training.

    Args:
        values: [..., S, N], S trainings.
    """
    trainings = values.shape[-2]
    if trainings == 1:
        return np.zeros(values.shape[:-2])
    return values.mean(axis=-1).var(axis=-1, ddof=1) / trainings


def training_variance(values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """[...] What the choice of trainings adds to `landmark_variance` of their mean.

    It is `variance_of_trainings`, less the part that `landmark_variance` has counted:
    that trainings differ on some landmarks and queries and not on others. Below 0 by chance.

    Args:
        values: [..., S, N], S trainings.
    """
    trainings = values.shape[-2]
    if trainings == 1:
        return np.zeros(values.shape[:-2])
    apart = values - values.mean(axis=-2, keepdims=True)
    counted = landmark_variance(apart, sizes).sum(axis=-1) / (trainings - 1)
    return variance_of_trainings(values) - counted / trainings


def effective_number(sizes: Sequence[int]) -> float:
    """So many equal landmarks say as much as these: (sum of sizes)^2 / sum of their squares.

    Source: the effective number of clusters of Carter, Schnepel & Steigerwald (2017), for a mean.

    >>> effective_number([15, 15, 15])
    3.0
    """
    return sum(sizes) ** 2 / sum(size**2 for size in sizes)


def student_factor(numbers: Sequence[float]) -> float:
    """Standard errors from the mean to each end of its 95 % interval.

    For one data set that is Student's quantile with `number` - 1 degrees of freedom, at least one.
    For the mean of several it is the quantile that their mixture has if a landmark (or a training)
    varies as much in each. To estimate that, too, from a city of two landmarks makes the interval
    too short: with Satterthwaite's degrees of freedom it covers 89 %.

    Args:
        numbers: of each data set the effective number of landmarks, or of trainings.

    >>> round(student_factor([11]), 3)
    2.228
    """
    return _student_factor(tuple(numbers))


@lru_cache(maxsize=64)  # the cells of a study have the same landmarks
def _student_factor(numbers: tuple[float, ...]) -> float:
    count = round(_GRID ** (1 / len(numbers)))
    levels = (np.arange(count) + 0.5) / count
    squares = np.zeros(1)  # of the estimated standard error, over the true one
    for number in numbers:
        freedom, share = max(1.0, number - 1), 1 / number / sum(1 / each for each in numbers)
        estimated = 2 * gammaincinv(freedom / 2, levels) / freedom
        squares = np.add.outer(squares, share * estimated).ravel()
    low, high = 1.0, 20.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        covered = 2 * ndtr(middle * np.sqrt(squares)).mean() - 1
        low, high = (middle, high) if covered < _LEVEL else (low, middle)
    return middle
