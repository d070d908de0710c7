"""A city's rankings and their scores, from descriptors. Free of torch."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.dense import dense_queries
from pocketvlad.scoring.dense_scores import dense_scores
from pocketvlad.scoring.place_recall import PlaceRecall
from pocketvlad.scoring.scores import Scores, mean, score_rankings, score_row

TOP = 10  # images of every ranking that are kept


@dataclass(frozen=True)
class Evaluation:
    """scores: by difficulty; None where no lists say what is to be found. top: of every query that
    has lists, by its name, the first TOP images found.
    dense: see `data.dense`; None where no landmark has two images. places: Recall@N; None where
    positions are not known, or nobody asked."""

    scores: dict[str, Scores] | None
    top: dict[str, list[str]]
    dense: Scores | None
    places: PlaceRecall | None

    def row(self, dataset: Dataset) -> dict[str, object]:
        """What a results row says of the scores: as `score_row`, and the landmark of each query.

        The dense protocol has the same keys after `dense_`; without dense queries they are absent.
        So are those of Recall@N, which begin with `recall`, without `places`; and all others
        without `scores`.
        """
        if self.scores is None:
            return self.places.row() if self.places else {}
        row = score_row(self.scores, dataset.protocol)
        row["landmarks"] = {
            query.name: query.landmark
            for query in dataset.queries
            if query.name in row["average_precision"]
        }
        if self.dense:
            row["dense_map"] = mean(self.dense.average_precision)
            row["dense_average_precision"] = self.dense.average_precision
            row["dense_landmarks"] = {
                query.name: query.landmark for query in dense_queries(dataset.queries)
            }
        return row | self.places.row() if self.places else row


def scored(
    dataset: Dataset,
    queries: np.ndarray,
    database: np.ndarray,
    ranked: Callable[[np.ndarray], Iterable[list[str]]],
    places: PlaceRecall | None = None,
) -> Evaluation:
    """Scores and first answers of every query of `dataset`, official and dense.

    Args:
        queries: [Q, D] descriptors of the official queries, in their order.
        database: [N, D] those of the images, in their order: the dense queries are among them.
        ranked: from descriptors of queries [Q, D] to all images of the data set, by each.
        places: Recall@N, where it was computed.
    """
    if not dataset.listed:
        return Evaluation(None, {}, None, places)
    rankings = list(ranked(queries))
    return Evaluation(
        score_rankings(dataset.queries, rankings, dataset.protocol),
        {query.name: names[:TOP] for query, names in zip(dataset.queries, rankings, strict=True)},
        dense_scores(dataset, database, ranked) if dense_queries(dataset.queries) else None,
        places,
    )


def headline(row: Mapping[str, object]) -> str:
    """The first score of a results row, for a log.

    >>> headline({"map": 0.5}), headline({"recall": {"1": 0.25, "5": 0.5}})
    ('mAP 50.00 %', 'R@1 25.00 %')
    """
    if "map" in row:
        return f"mAP {100 * row['map']:.2f} %"
    count, share = next(iter(row["recall"].items()))
    return f"R@{count} {100 * share:.2f} %"
