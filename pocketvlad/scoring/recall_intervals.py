"""The interval of Recall@N, and of its drop below another model's.

A query is found or not. The plain interval draws queries again with replacement, those without
positives among them, and trainings beside them (`bootstrap`). The one by landmarks also allows for
other landmarks (`landmark_bootstrap`). docs/intervals.md says what neither allows for.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from pocketvlad.scoring.bootstrap import RESAMPLES, SEED, training_weights
from pocketvlad.scoring.landmark_bootstrap import Sample, landmark_interval

FirstRight = Mapping[str, int]
"""By query the place of the first right answer, 1 for the best; 0 where there is none."""

Ends = tuple[np.ndarray, np.ndarray, np.ndarray]
"""[...] The mean and both ends of its 95 % interval, in points."""

_DRAWN = 1 << 22  # numbers at a time: bounded memory, whatever the number of queries


def found_points(trainings: Sequence[Sequence[FirstRight]], counts: Sequence[int]) -> np.ndarray:
    """[C, S, N] Of each count, training and query 100 where it is found, else 0.

    Args:
        trainings: of each its models, that answered the same queries. A query's points are the mean
            over these.

    Raises:
        ValueError: models answered other queries; names one.

    >>> found_points([[{"a": 1, "b": 0, "c": 3}]], [1, 5]).tolist()
    [[[100.0, 0.0, 0.0]], [[100.0, 0.0, 100.0]]]
    """
    names = trainings[0][0]
    for first in (model for models in trainings for model in models):
        if odd := sorted(first.keys() ^ names.keys()):
            raise ValueError(f"query {odd[0]!r} was asked of some models only")
    first = np.array([[[model[name] for name in names] for model in each] for each in trainings])
    limits = np.reshape(counts, (-1, 1, 1, 1))
    return 100 * ((first > 0) & (first <= limits)).mean(axis=2)


def plain_interval(points: np.ndarray) -> Ends:
    """Queries are drawn again as if they were independent, and trainings beside them.

    Queries that fare alike throughout are drawn together, as so many of one kind.

    Args:
        points: [..., S, N], S trainings and N queries.
    """
    trainings, queries = points.shape[-2:]
    kinds, sizes = np.unique(points.reshape(-1, queries), axis=1, return_counts=True)
    kinds = kinds.reshape(*points.shape[:-1], len(sizes))
    generator = np.random.default_rng((SEED, queries))
    weights = training_weights(trainings, 0, RESAMPLES).T
    step, parts = max(1, _DRAWN // len(sizes)), []
    for start in range(0, RESAMPLES, step):
        some = weights[:, start : start + step]
        drawn = generator.multinomial(queries, sizes / queries, size=some.shape[1])
        parts.append(((kinds @ (drawn.T / queries)) * some).sum(axis=-2))
    low, high = np.percentile(np.concatenate(parts, axis=-1), [2.5, 97.5], axis=-1)
    return points.mean(axis=(-2, -1)), low, high


def interval_by_landmarks(points: np.ndarray, landmarks: Sequence[str]) -> Ends:
    """See `landmark_bootstrap`; with one landmark the ends are infinite.

    Args:
        points: [..., S, N].
        landmarks: of each query.
    """
    order = sorted(range(len(landmarks)), key=landmarks.__getitem__)
    groups = groupby(landmarks[number] for number in order)
    sizes = tuple(len(list(group)) for _, group in groups)
    return landmark_interval([Sample(points[..., order], sizes)])
