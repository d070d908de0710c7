"""Ranking a database by descriptors and scoring the rankings of a data set's queries."""

from collections.abc import Sequence

import numpy as np

from pocketvlad.average_precision import average_precision
from pocketvlad.dataset import Query


def rank(query: np.ndarray, database: np.ndarray) -> np.ndarray:
    """Database rows by falling inner product with `query`; ties keep the database's order.

    Args:
        query: [D], unit length, so that the order is also that of rising Euclidean distance.
        database: [N, D], unit length.

    Returns:
        [N] row numbers.
    """
    return np.argsort(-(database @ query), kind="stable")


def score_queries(
    queries: Sequence[Query],
    query_descriptors: np.ndarray,
    names: Sequence[str],
    descriptors: np.ndarray,
) -> dict[str, float]:
    """Average precision of each query, by the query's name.

    Args:
        queries: Q queries with their lists.
        query_descriptors: [Q, D].
        names: N image names, sorted, so that ties break the same way everywhere.
        descriptors: [N, D].

    Raises:
        ValueError: a shape does not fit, or a descriptor is not finite.
    """
    if query_descriptors.shape[0] != len(queries) or descriptors.shape[0] != len(names):
        raise ValueError(
            f"{len(queries)} queries and {len(names)} images need as many descriptors, "
            f"not {query_descriptors.shape[0]} and {descriptors.shape[0]}"
        )
    for label, array in (("query", query_descriptors), ("database", descriptors)):
        if not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
            raise ValueError(f"{label} descriptor {row} is not finite: the network diverged")
    return {
        query.name: average_precision(
            (names[row] for row in rank(descriptor, descriptors)), query.positives, query.junk
        )
        for query, descriptor in zip(queries, query_descriptors, strict=True)
    }


def mean_average_precision(scores: dict[str, float]) -> float:
    """The mean over the queries, as a fraction."""
    return float(np.mean(list(scores.values())))
