"""Recall@N of a data set whose images have positions, from the descriptors that it has already."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.dataset import Dataset
from pocketvlad.scoring.recall import Recall, recall, require_told_apart
from pocketvlad.scoring.recall_settings import RecallSettings


@dataclass(frozen=True, eq=False)
class PlaceRecall:
    """queries: the images that are asked for.  found: an entry each.  settings: what counted.
    landmarks: by query what it shows; None where nobody says."""

    queries: list[str]
    found: Recall
    settings: RecallSettings
    landmarks: dict[str, str] | None

    def row(self) -> dict[str, object]:
        """What a results row says of it; shares are 0 to 1, and JSON's keys texts."""
        values = self.settings.recall_values
        first = map(int, self.found.first)
        known = {} if self.landmarks is None else {"recall_landmarks": self.landmarks}
        return known | {
            "recall": {str(count): self.found.at(count) for count in values},
            "recall_first_right": dict(zip(self.queries, first, strict=True)),
            "recall_metres": self.settings.positive_dist_threshold,
            "recall_without_positives": self.found.without_positives,
        }


def asked_images(dataset: Dataset) -> list[str]:
    """The images of the queries, each once, in the database's order.

    In the database each would find itself: for Recall@N they are taken out of it.
    """
    asked = {query.image for query in dataset.queries}
    return [image for image in dataset.images if image in asked]


def _landmarks(dataset: Dataset, asked: Sequence[str]) -> dict[str, str] | None:
    """What each image shows; of several boxes in it, what the first shows."""
    if not dataset.listed:
        return None
    shown = {query.image: query.landmark for query in reversed(dataset.queries)}
    return {image: shown[image] for image in asked}


def place_recall(dataset: Dataset, rows: np.ndarray, settings: RecallSettings) -> PlaceRecall:
    """Recall@N of the queries' whole images among all images that no query is of.

    Where every image is a query, as in a data set of positions alone, each is asked for the others.

    Args:
        dataset: with positions.
        rows: [N, D] unit-length descriptors of the whole images, in the order of `dataset.images`.

    Raises:
        ValueError: every image is that of a listed query, or the number of rows is another.
        PositionError: by the positions alone every answer is right, or every one wrong.
    """
    queries = asked_images(dataset)
    asked = np.isin(dataset.images, queries)
    themselves = bool(asked.all())
    if themselves and dataset.listed:
        raise ValueError(
            f"data set {dataset.name}: each of its images is a query's, so that none is left to be "
            "found by its position; add others, or remove `positions`"
        )
    others = asked if themselves else ~asked
    at = np.array([dataset.positions[name] for name in dataset.images])
    places, radius = (at[asked], at[others]), settings.positive_dist_threshold
    found = recall(rows[asked], rows[others], *places, radius=radius, themselves=themselves)
    if not dataset.listed:
        require_told_apart(found, *places, radius, themselves)
    return PlaceRecall(queries, found, settings, _landmarks(dataset, queries))
