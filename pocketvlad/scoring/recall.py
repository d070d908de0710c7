"""Recall@N, the figure of visual place recognition: is one of a query's first N near it?

Source: the convention that Torii et al. (CVPR 2015) and Arandjelovic et al. (CVPR 2016) evaluate
NetVLAD by, and that benchmarks keep to: within 25 metres, the radius itself included; queries
without any image that near stay in the denominator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.position_error import PositionError
from pocketvlad.scoring.ranking import check_finite, dissimilarities

_PAIRS = 1 << 22  # of a query and an image at a time: bounded memory


@dataclass(frozen=True, eq=False)
class Recall:
    """What was found, an entry a query.

    first: [Q] the place of the first answer within the radius, 1 for the best; 0 where no image of
    the database is.  positives: [Q] how many are.  answer: [Q] the number of the best answer.
    distance: [Q] metres from the query to it.
    """

    first: np.ndarray
    positives: np.ndarray
    answer: np.ndarray
    distance: np.ndarray

    @property
    def without_positives(self) -> int:
        """Queries that no answer could be right for; they count as not found."""
        return int((self.positives == 0).sum())

    def at(self, count: int) -> float:
        """Recall@`count`, 0 to 1, over all queries."""
        return float(((self.first > 0) & (self.first <= count)).mean())

    def line(self, counts: Sequence[int]) -> str:
        """In percent, as the field prints it: "R@1: 98.8, R@5: 99.7"."""
        return ", ".join(f"R@{count}: {100 * self.at(count):.1f}" for count in counts)


def _first_right(measured: np.ndarray, near: np.ndarray) -> np.ndarray:
    """[q] See `Recall.first`.

    Args:
        measured: [q, N] dissimilarities.  near: [q, N] whether an image is within the radius.
    """
    best = np.where(near, measured, np.inf).min(axis=1, keepdims=True)
    equal = measured == best
    number = (near & equal).argmax(axis=1)[:, None]
    before = (measured < best) | (equal & (np.arange(measured.shape[1]) < number))
    return np.where(near.any(axis=1), 1 + before.sum(axis=1), 0)


def squared_metres(at: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[Q, N] Squared distances of places [Q, 2] from others [N, 2], in metres.

    Whoever asks what is within a radius compares these with its square: a root is rounded again, so
    that an image at just that distance would be near for one and not for the other.
    """
    # Of differences: squares of the coordinates would leave no digits for the metres.
    apart = np.square(at[:, :1] - others[:, 0])
    apart += np.square(at[:, 1:] - others[:, 1])
    return apart


def recall(
    queries: np.ndarray,
    database: np.ndarray,
    query_positions: np.ndarray,
    positions: np.ndarray,
    *,
    radius: float,
    metric: str = "cosine",
    themselves: bool = False,
) -> Recall:
    """Where the first right answer of every query stands.

    All answers are ranked by their dissimilarity. Of equal ones that goes first which the database
    has first.

    Args:
        queries: [Q, D] descriptors.
        database: [N, D] descriptors.
        query_positions: [Q, 2] in metres.
        positions: [N, 2] in metres.
        radius: in metres; an image at just that distance is right.
        metric: a key of `ranking.METRICS`; for "cosine" all rows have unit length.
        themselves: whether the queries are the database, in its order. No image is an answer to
            itself then, and there are two or more.

    Raises:
        ValueError: shapes do not fit, there is no query or no image, or a number is not finite.

    >>> rows = np.float32([[1, 0], [0.8, 0.6], [0, 1]])
    >>> places = np.array([[0, 0], [30, 0], [0, 25]])
    >>> found = recall(rows[:1], rows[1:], places[:1], places[1:], radius=25)
    >>> found.first.tolist(), found.answer.tolist(), found.distance.tolist()
    ([2], [0], [30.0])
    """
    for rows, at, label in (
        (queries, query_positions, "query"),
        (database, positions, "database"),
    ):
        if not len(rows) or at.shape != (len(rows), 2):
            raise ValueError(f"{label}: {len(rows)} descriptors and positions of shape {at.shape}")
        check_finite(rows, label)
        if not np.isfinite(at).all():
            raise ValueError(f"{label}: a position is not finite")
    step = max(1, _PAIRS // len(database))
    parts = []
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        apart = squared_metres(query_positions[some], positions)
        near = apart <= radius * radius
        measured = dissimilarities(queries[some], database, metric)
        if themselves:
            own = np.arange(len(near)), start + np.arange(len(near))
            near[own], measured[own] = False, np.inf
        answer = measured.argmin(axis=1)
        distance = np.sqrt(np.take_along_axis(apart, answer[:, None], axis=1)[:, 0])
        parts.append((_first_right(measured, near), near.sum(axis=1), answer, distance))
    return Recall(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def require_told_apart(
    found: Recall,
    query_positions: np.ndarray,
    positions: np.ndarray,
    radius: float,
    themselves: bool = False,
) -> None:
    """Check that positions make neither every answer right nor every one wrong.

    Args:
        found: what `recall` gave; the others are its arguments.

    Raises:
        PositionError: they do; says what they may be.
    """
    if found.without_positives == len(found.first):
        apart = np.linalg.norm(positions - query_positions[0], axis=1)
        nearest = apart[1 if themselves else 0 :].min()
        raise PositionError(
            f"no query has an image within {radius:g} m (that nearest to the first lies "
            f"{nearest:,.0f} m away); are both in metres, of one system and one UTM zone?"
        )
    others = len(positions) - themselves
    if others > 1 and (found.positives == others).all():
        raise PositionError(
            f"all {len(positions)} images lie within {radius:g} m of every query, so that every "
            "answer is right; are these degrees? Give metres, or a table of latitude and longitude"
        )
