"""The plain interval of a drop in mAP: paired bootstrap over queries (Efron & Tibshirani 1993).

It takes queries as independent. Queries of one landmark are not; `landmark_bootstrap` allows for
that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
SEED = 20170  # the same scores give the same interval everywhere
MAX_DROP = 0.5  # percentage points


@dataclass(frozen=True)
class Drop:
    """A drop of mAP in percentage points and its 95 % interval; below 0 the mAP has risen.

    The ends may be infinite: the scores then say nothing of other landmarks.
    """

    mean: float
    low: float
    high: float

    @property
    def none(self) -> bool:
        """Whether this counts as no drop: the interval does not lie above 0, the mean is at most
        0.5. (An interval below 0 is that of a model that got better.)"""
        return self.low <= 0 and self.mean <= MAX_DROP

    @property
    def visible(self) -> float:
        """The smallest drop that the study could have seen: half the width of the interval.

        A study would see a true drop of this size half of the time, one 1.4 times as large four
        times of five.
        """
        return (self.high - self.low) / 2

    @property
    def largest(self) -> float:
        """The largest drop that the scores leave possible: the interval's upper end, at least 0.

        "No drop larger than this" is a one-sided statement at 97.5 %. It has the same end as the
        interval beside it, so that a table and its sentence agree.

        >>> Drop(mean=0.3, low=-0.2, high=0.8).largest
        0.8
        """
        return max(0.0, self.high)


def check_same_queries(base: Mapping[str, float], other: Mapping[str, float]) -> None:
    """Raises ValueError where a query is scored in one of two rows only; names it."""
    if base.keys() != other.keys():
        odd = sorted(base.keys() ^ other.keys())
        raise ValueError(f"query {odd[0]!r} is scored in one of two rows only")


def _differences(base: Mapping[str, float], other: Mapping[str, float]) -> np.ndarray:
    check_same_queries(base, other)
    return 100 * np.array([base[name] - other[name] for name in base])


def paired_drop(pairs: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> Drop:
    """The drop from one model to another, averaged over data sets.

    The queries of each data set are drawn again with replacement, both models' scores of a query
    together, 10,000 times; the interval is from the 2.5th to the 97.5th percentile.

    Args:
        pairs: for each data set the average precision of each query by the base model, and by the
            other.

    Raises:
        ValueError: the models were scored on other queries.
    """
    generator = np.random.default_rng(SEED)
    means, resampled = [], np.zeros(RESAMPLES)
    for base, other in pairs:
        differences = _differences(base, other)
        drawn = generator.integers(len(differences), size=(RESAMPLES, len(differences)))
        means.append(differences.mean())
        resampled += differences[drawn].mean(axis=1) / len(pairs)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Drop(float(np.mean(means)), float(low), float(high))
