"""Scores of the dense protocol, from the descriptors that the database has already."""

from collections.abc import Callable, Iterable

import numpy as np

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.dense import dense_queries
from pocketvlad.data.protocols.original import ALL
from pocketvlad.scoring.ranking import rankings
from pocketvlad.scoring.scores import Scores, score_rankings


def dense_scores(
    dataset: Dataset,
    rows: np.ndarray,
    ranked: Callable[[np.ndarray], Iterable[list[str]]] | None = None,
) -> Scores:
    """Average precision and precision at k of every labelled photograph as a query.

    Args:
        rows: [N, D] unit-length descriptors of the database, in the order of `dataset.images`, as
            they are compared with the official queries: each query is one of them.
        ranked: from descriptors of queries to all images by each; by `rows` unless told.

    Raises:
        ValueError: the number of rows is another, a row is not finite, or no landmark has two
            images.
    """
    queries = dense_queries(dataset.queries)
    if not queries:
        raise ValueError(
            f"data set {dataset.name}: no landmark has two images, so that none can be asked for "
            "the other; list more of them"
        )
    if len(rows) != len(dataset.images):
        raise ValueError(f"{len(dataset.images)} images need as many descriptors, not {len(rows)}")
    place = {image: number for number, image in enumerate(dataset.images)}
    asked = rows[[place[query.image] for query in queries]]
    found = ranked(asked) if ranked else rankings(asked, dataset.images, rows)
    return score_rankings(queries, found)[ALL]
