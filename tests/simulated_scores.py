"""Differences in score of which the truth is known, from what landmarks and trainings share."""

from dataclasses import dataclass

import numpy as np

from pocketvlad.scoring.landmark_bootstrap import Sample

# Queries of each landmark: as many everywhere; more and more; Oxford's and Paris's in the real
# subset, every labelled photograph a query, and the official queries there.
EQUAL = (15,) * 11
UNEQUAL = (3, 6, 8, 11, 13, 15, 17, 19, 21, 25, 27)
OXFORD = (18, 11, 6, 6, 21, 6, 19, 5, 12, 5, 50)
PARIS = (34, 48, 39, 32)
OFFICIAL_OXFORD = (3,) * 11
OFFICIAL_PARIS = (1, 1, 3, 1)
TWO = (15, 15)


@dataclass(frozen=True)
class Variances:
    """Of the parts that a difference is the sum of; the truth is 0."""

    landmark: float = 0.0
    query: float = 0.0
    training: float = 0.0
    training_and_landmark: float = 0.0
    training_and_query: float = 0.0

    @classmethod
    def correlated(cls, correlation: float) -> "Variances":
        """Of one training; two queries of a landmark have this correlation."""
        return cls(landmark=correlation, query=1 - correlation)

    def of_mean(self, sizes: tuple[int, ...], trainings: int = 1) -> float:
        """The true variance of the mean over queries and trainings."""
        total = sum(sizes)
        apart = sum((size / total) ** 2 for size in sizes)
        return (
            apart * (self.landmark + self.training_and_landmark / trainings)
            + (self.query + self.training_and_query / trainings) / total
            + self.training / trainings
        )


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.normal(size=shape)


def skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Most lose a little less than the mean, a few much more."""
    return generator.exponential(size=shape) - 1


def simulated(
    sizes: tuple[int, ...],
    variances: Variances,
    draws: int,
    generator: np.random.Generator,
    trainings: int = 1,
    noise=normal,
) -> Sample:
    """`draws` repetitions of a data set: values [draws, trainings, queries]."""
    landmark = np.repeat(np.arange(len(sizes)), sizes)
    queries = len(landmark)

    def part(variance: float, *shape: int) -> np.ndarray:
        return np.sqrt(variance) * noise(generator, (draws, *shape))

    values = (
        part(variances.landmark, 1, len(sizes))[..., landmark]
        + part(variances.query, 1, queries)
        + part(variances.training, trainings, 1)
        + part(variances.training_and_landmark, trainings, len(sizes))[..., landmark]
        + part(variances.training_and_query, trainings, queries)
    )
    return Sample(values, sizes)


def coverage(low: np.ndarray, high: np.ndarray, truth: float = 0.0) -> float:
    """In how many of 100 repetitions an interval has the truth within it."""
    return 100 * float(np.mean((low <= truth) & (truth <= high)))
