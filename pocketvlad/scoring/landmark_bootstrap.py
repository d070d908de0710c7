"""The interval of a drop in mAP that knows where the doubt is: in landmarks and in trainings.

Queries of one landmark fare alike: 159 of 11 landmarks say less than 159 of as many would.
Landmarks are drawn again, then their queries, both with replacement; trainings, which all answer
the same queries, are drawn beside them (crossed, as in the pigeonhole bootstrap: Owen 2007).

The resamples alone give the wrong width. Drawing queries within drawn landmarks counts their
spread twice (Davison & Hinkley 1997, section 3.8), and percentiles of few landmarks are too narrow
(Hesterberg 2015). So the width is that of Student's interval about the mean (`jackknife`), and the
resamples say how it lies: further to the side where few landmarks lose much. docs/intervals.md has
the simulation that this choice rests on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np

from pocketvlad.scoring.bootstrap import (
    RESAMPLES,
    SEED,
    Drop,
    Scores,
    check_trainings,
    training_weights,
)
from pocketvlad.scoring.jackknife import (
    effective_number,
    landmark_variance,
    student_factor,
    training_variance,
    variance_of_trainings,
)


@dataclass(frozen=True)
class Sample:
    """A data set's differences in points, queries of one landmark side by side.

    values: [..., S, N], S trainings and N queries; what stands before are repetitions.
    sizes: the number of queries of each landmark.
    """

    values: np.ndarray
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Two models' scores of one data set.

    base, other: for each training the average precision of each query by its name. The k-th of
    both is of the same training.  landmarks: of each query, by its name.
    """

    base: Sequence[Scores]
    other: Sequence[Scores]
    landmarks: Mapping[str, str]

    def sample(self) -> Sample:
        """The differences, in the order of landmarks and names.

        Raises:
            ValueError: the models have not as many trainings, some were scored on other queries,
                or a query has no landmark; names the query.
        """
        check_trainings(self.base, self.other)
        if unplaced := sorted(self.base[0].keys() - self.landmarks.keys()):
            raise ValueError(f"query {unplaced[0]!r} has no landmark")
        names = sorted(self.base[0], key=lambda name: (self.landmarks[name], name))
        base, other = (
            np.array([[scores[name] for name in names] for scores in model])
            for model in (self.base, self.other)
        )
        groups = groupby(names, key=self.landmarks.__getitem__)
        return Sample(100 * (base - other), tuple(len(list(group)) for _, group in groups))


@lru_cache(maxsize=8)  # the cells of a study have the same queries
def _query_weights(sizes: tuple[int, ...], place: int, resamples: int) -> np.ndarray:
    """[R, N] What each query weighs in each resample; rows add up to 1."""
    generator = np.random.default_rng((SEED, place))
    number = len(sizes)
    drawn = generator.multinomial(number, np.full(number, 1 / number), size=resamples)
    # A landmark that is drawn twice has twice as many queries drawn.
    counts = [
        generator.multinomial(times * size, np.full(size, 1 / size))
        for times, size in zip(drawn.T, sizes, strict=True)
    ]
    weights = np.concatenate(counts, axis=1, dtype=np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def resampled_means(sample: Sample, place: int = 0, resamples: int = RESAMPLES) -> np.ndarray:
    """[..., R] The mean over queries and trainings in each resample.

    Args:
        place: of the data set among those that are averaged, whose resamples are independent.
    """
    values = sample.values
    means = values.reshape(-1, values.shape[-1]) @ _query_weights(sample.sizes, place, resamples).T
    means = means.reshape(*values.shape[:-1], resamples)
    return (means * training_weights(means.shape[-2], place, resamples).T).sum(axis=-2)


def _half_width(samples: Sequence[Sample]) -> np.ndarray:
    """[...] Of the interval of the samples' mean.

    Landmarks and trainings each give a half of their own; the two add as independent errors do
    (Zou & Donner 2008). What trainings add is a difference of two estimates. Where it comes out
    too small by chance, trainings lie further apart than the interval is wide; so it is at least
    as wide as their spread makes it.
    """
    landmarks = sum(landmark_variance(each.values.mean(axis=-2), each.sizes) for each in samples)
    trainings = sum(training_variance(each.values, each.sizes) for each in samples)
    factor = student_factor([effective_number(each.sizes) for each in samples])
    square = landmarks * factor**2
    repeated = [count for each in samples if (count := each.values.shape[-2]) > 1]
    if repeated:
        square = square + np.maximum(0, trainings) * student_factor(repeated) ** 2
        alone = sum(variance_of_trainings(each.values) for each in samples)
        square = np.maximum(square, alone * factor**2)
    return np.sqrt(square) / len(samples)


def landmark_interval(
    samples: Sequence[Sample], resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[...] The mean of the data sets' means over queries, and both ends of its 95 % interval.

    With a data set of one landmark the ends are infinite.
    """
    mean = sum(each.values.mean(axis=(-2, -1)) for each in samples) / len(samples)
    if any(len(each.sizes) == 1 for each in samples):
        return mean, np.full_like(mean, -np.inf), np.full_like(mean, np.inf)
    half = _half_width(samples)
    resampled = sum(resampled_means(each, place, resamples) for place, each in enumerate(samples))
    low, high = np.percentile(resampled / len(samples), [2.5, 97.5], axis=-1)
    spread = high - low
    # The share of the width that lies below the mean; a half where all resamples are alike.
    below = np.divide(mean - low, spread, out=np.full_like(mean, 0.5), where=spread > 0)
    below = np.clip(below, 0, 1)
    return mean, mean - 2 * half * below, mean + 2 * half * (1 - below)


def landmark_drop(comparisons: Sequence[Comparison]) -> Drop:
    """The drop from one model to another, averaged over data sets that weigh the same.

    Its mean is over queries, as mAP is, and over trainings.

    Raises:
        ValueError: as `Comparison.sample`.
    """
    mean, low, high = landmark_interval([each.sample() for each in comparisons])
    return Drop(float(mean), float(low), float(high))
