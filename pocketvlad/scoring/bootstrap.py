"""The plain interval of a drop in mAP: paired bootstrap over queries (Efron & Tibshirani 1993).

It takes queries as independent. Queries of one landmark are not; `landmark_bootstrap` allows for
that. Trainings, which all answer the same queries, are drawn beside the queries (crossed, as in the
pigeonhole bootstrap: Owen 2007). Percentiles of few trainings are too narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

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


Scores = Mapping[str, float]
"""The average precision of each query by its name."""


def check_trainings(base: Sequence[Scores], other: Sequence[Scores]) -> None:
    """
    Raises:
        ValueError: the models have not as many trainings, or some were scored on other queries;
            names the query.
    """
    if not base or len(base) != len(other):
        raise ValueError(
            f"{len(base)} trainings of the base model, {len(other)} of the other: score both for "
            "the same seeds"
        )
    for scores in (*base, *other):
        if base[0].keys() != scores.keys():
            odd = sorted(base[0].keys() ^ scores.keys())
            raise ValueError(f"query {odd[0]!r} is scored in one of two rows only")


def training_weights(trainings: int, place: int, resamples: int) -> np.ndarray:
    """[R, S] What each training weighs in each resample; rows add up to 1.

    Args:
        place: of the data set among those that are averaged. Its models were trained on another
            city than those of the others, so that its resamples are independent of theirs.
    """
    generator = np.random.default_rng((SEED, place, trainings))
    counts = generator.multinomial(trainings, np.full(trainings, 1 / trainings), size=resamples)
    return counts / trainings


def _differences(base: Sequence[Scores], other: Sequence[Scores]) -> np.ndarray:
    """[S, N] In points, of each training and query."""
    check_trainings(base, other)
    return 100 * np.array(
        [[one[name] - two[name] for name in base[0]] for one, two in zip(base, other, strict=True)]
    )


@lru_cache(maxsize=8)  # the cells of a study have the same queries
def _drawn_queries(numbers: tuple[int, ...], resamples: int) -> list[np.ndarray]:
    """[R, N] Numbers of the queries in each resample, of each data set of so many."""
    generator = np.random.default_rng(SEED)
    return [generator.integers(number, size=(resamples, number)) for number in numbers]


def paired_drop(data_sets: Sequence[tuple[Sequence[Scores], Sequence[Scores]]]) -> Drop:
    """The drop from one model to another, averaged over trainings, then over data sets.

    The queries of each data set are drawn again with replacement, both models' scores of a query
    together, 10,000 times; so are its trainings. The interval is from the 2.5th to the 97.5th
    percentile.

    Args:
        data_sets: of each the scores of each training by the base model, and by the other. The k-th
            of both are of the same training.

    Raises:
        ValueError: as `check_trainings`.
    """
    found = [_differences(base, other) for base, other in data_sets]
    drawn_queries = _drawn_queries(tuple(each.shape[1] for each in found), RESAMPLES)
    means, resampled = [], np.zeros(RESAMPLES)
    for place, (differences, drawn) in enumerate(zip(found, drawn_queries, strict=True)):
        weights = training_weights(len(differences), place, RESAMPLES)
        means.append(differences.mean(axis=1).mean())
        for values, weight in zip(differences, weights.T, strict=True):
            resampled += weight * values[drawn].mean(axis=1) / len(data_sets)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Drop(float(np.mean(means)), float(low), float(high))
