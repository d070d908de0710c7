"""Ranking a database by its descriptors' distances from a query's."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

_ROWS = 256  # of the database compared at a time: bounded memory, whatever its size


def products(queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[Q, N] Inner products of queries [Q, D] with rows [N, D]; those of equal rows are equal.

    A product of matrices computes the columns at its edge in another order than those within, and
    then an image that is there twice would differ from itself by a rounding. So all products are of
    one number of rows, and of one layout.
    """
    found = np.empty((len(queries), len(rows)), np.result_type(queries, rows))
    for start in range(0, len(rows), _ROWS):
        part = np.ascontiguousarray(rows[start : start + _ROWS])
        count = len(part)
        if count < _ROWS:
            part = np.concatenate([part, np.zeros((_ROWS - count, rows.shape[1]), rows.dtype)])
        found[:, start : start + count] = (queries @ part.T)[:, :count]
    return found


def _dot(queries: np.ndarray, database: np.ndarray) -> np.ndarray:
    return -products(queries, database)


def _minkowski(name: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def measure(queries: np.ndarray, database: np.ndarray) -> np.ndarray:
        # Imported here: it takes 0.4 s, and no job of a study needs it.
        from scipy.spatial.distance import cdist

        return cdist(queries, database, name)

    return measure


METRICS = {"cosine": _dot, "l1": _minkowski("cityblock"), "l2": _minkowski("euclidean")}
"""Dissimilarities: lower is closer. cosine: minus the inner product of unit vectors."""


def check_finite(rows: np.ndarray, label: str) -> None:
    """Raises ValueError if a descriptor has a NaN or an infinity; `label` says whose."""
    for start in range(0, len(rows), _ROWS):
        good = np.isfinite(rows[start : start + _ROWS]).all(axis=1)
        if not good.all():
            row = start + int(np.flatnonzero(~good)[0])
            raise ValueError(f"{label} descriptor {row} is not finite: the network diverged")


def dissimilarities(
    queries: np.ndarray, database: np.ndarray, metric: str = "cosine"
) -> np.ndarray:
    """[Q, N] Dissimilarities of queries [Q, D] from the rows of a database [N, D].

    Args:
        metric: a key of METRICS; for "cosine" all rows have unit length.
    """
    measure = METRICS[metric]
    parts = [
        measure(queries, database[start : start + _ROWS])
        for start in range(0, len(database), _ROWS)
    ]
    return np.concatenate(parts, axis=1)


def rank(row: np.ndarray) -> np.ndarray:
    """[N] Row numbers, nearest first; ties keep the order of the database.

    Args:
        row: [N], dissimilarities from one query.
    """
    return np.argsort(row, kind="stable")


def rankings(
    queries: np.ndarray, names: Sequence[str], database: np.ndarray, metric: str = "cosine"
) -> Iterator[list[str]]:
    """For each query all of `names`, the nearest first.

    Args:
        queries: [Q, D].
        names: N image names, sorted, so that ties break the same way everywhere.
        database: [N, D].
        metric: a key of METRICS.

    Raises:
        ValueError: a shape does not fit, or a descriptor is not finite.
    """
    if len(database) != len(names):
        raise ValueError(f"{len(names)} images need as many descriptors, not {len(database)}")
    check_finite(queries, "query")
    check_finite(database, "database")
    for row in dissimilarities(queries, database, metric):
        yield [names[number] for number in rank(row)]
