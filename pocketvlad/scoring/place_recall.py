"""Recall@N of a data set whose images have positions, from the descriptors that it has already."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.data.dataset import Dataset
from pocketvlad.scoring.recall import Recall, recall, require_told_apart, squared_metres
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


def _roles(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """[N] Which images are asked for, and which may be found.

    Raises:
        ValueError: every image is that of a listed query.
    """
    asked = np.isin(dataset.images, asked_images(dataset))
    if not asked.all():
        return asked, ~asked
    if dataset.listed:
        raise ValueError(
            f"data set {dataset.name}: each of its images is a query's, so that none is left to be "
            "found by its position; add others, or remove `positions`"
        )
    return asked, asked


def _at(dataset: Dataset) -> np.ndarray:
    """[N, 2] Metres of all images, in their order."""
    return np.array([dataset.positions[name] for name in dataset.images])


def _checked(dataset: Dataset, found: Recall, settings: RecallSettings) -> PlaceRecall:
    """Raises PositionError; see `place_recall`."""
    asked, others = _roles(dataset)
    at, radius = _at(dataset), settings.positive_dist_threshold
    if not dataset.listed:
        require_told_apart(found, at[asked], at[others], radius, themselves=bool(asked.all()))
    queries = asked_images(dataset)
    return PlaceRecall(queries, found, settings, _landmarks(dataset, queries))


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
    asked, others = _roles(dataset)
    at = _at(dataset)
    found = recall(
        rows[asked],
        rows[others],
        at[asked],
        at[others],
        radius=settings.positive_dist_threshold,
        themselves=bool(asked.all()),
    )
    return _checked(dataset, found, settings)


def ranked_place_recall(
    dataset: Dataset,
    rows: np.ndarray,
    ranked: Callable[[np.ndarray], Iterable[list[str]]],
    settings: RecallSettings,
) -> PlaceRecall:
    """`place_recall` by rankings of any kind.

    Args:
        rows: [N, D] descriptors of the whole images, some of which are asked.
        ranked: from descriptors of queries [Q, D] to all images of the data set, by each.

    Raises: see `place_recall`.
    """
    asked, others = _roles(dataset)
    at, number = _at(dataset), {name: place for place, name in enumerate(dataset.images)}
    in_database = np.cumsum(others) - 1
    radius = settings.positive_dist_threshold
    columns = []
    for query, names in zip(np.flatnonzero(asked), ranked(rows[asked]), strict=True):
        order = np.array([number[name] for name in names])
        order = order[others[order] & (order != query)]
        [apart] = squared_metres(at[[query]], at[order])
        near = apart <= radius * radius
        first = 1 + int(near.argmax()) if near.any() else 0
        columns.append((first, near.sum(), in_database[order[0]], np.sqrt(apart[0])))
    found = Recall(*map(np.array, zip(*columns, strict=True)))
    return _checked(dataset, found, settings)
