"""Descriptors scored by where images were taken: Recall@N. Takes no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from pocketvlad.api.arguments import NamedRows, as_named_rows, require_metric
from pocketvlad.api.defaults import RADIUS, RECALL_VALUES
from pocketvlad.data.image_listing import listing, require_apart
from pocketvlad.retrieval.descriptor_file import (
    DescriptorError,
    require_comparable,
    require_distinct_rows,
    unit_length,
)
from pocketvlad.retrieval.listed_descriptors import of_folder
from pocketvlad.retrieval.located import Images, Located, locate
from pocketvlad.scoring.recall import Recall, require_told_apart
from pocketvlad.scoring.recall import recall as recall_of
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.util.counted import counted
from pocketvlad.util.option_error import require_option


@dataclass(frozen=True, eq=False)
class RecallEvaluation:
    """Recall@N of queries in a database; printed, it says how many there are and the figures.

    Attributes:
        database: names of its images.
        asked: names of the queries' images.
        found: what was found, an entry a query.
        radius: metres within which an answer is right.
        values: the N that are printed.
        notes: what else is to be known of the figures, a line each.
    """

    database: Sequence[str]
    asked: Sequence[str]
    found: Recall
    radius: float
    values: tuple[int, ...]
    notes: tuple[str, ...]

    def recall(self, count: int) -> float:
        """Recall@`count`, 0 to 1."""
        return self.found.at(count)

    def queries(self) -> pd.DataFrame:
        """A row a query: how many images are within the radius, the place of the first of them
        (blank where there is none), the best answer and its distance in metres, and for each N
        whether one was among the first N."""
        found = self.found
        first = pd.array(found.first, dtype="Int64")
        first[found.first == 0] = pd.NA
        table = {
            "query": list(self.asked),
            "positives": found.positives,
            "first_right": first,
            "answer": [self.database[number] for number in found.answer],
            "answer_metres": found.distance,
        }
        for count in self.values:
            table[f"recall_at_{count}"] = ((found.first > 0) & (found.first <= count)).astype(int)
        return pd.DataFrame(table)

    def __str__(self) -> str:
        asked = counted(len(self.asked), "query", "queries")
        lines = [f"{counted(len(self.database), 'image')}, {asked}", *self.notes]
        if without := self.found.without_positives:
            lines.append(
                f"{without} {'query has' if without == 1 else 'queries have'} no image within "
                f"{self.radius:g} m and {'counts' if without == 1 else 'count'} as not found"
            )
        return "\n".join([*lines, self.found.line(self.values)])


def _are_one(one: object, other: object) -> bool:
    """Whether two sources of descriptors are one file, whatever they are called."""
    if not (isinstance(one, Path) and isinstance(other, Path)):
        return False
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def require_recall_options(
    positive_dist_threshold: float, recall_values: Sequence[int]
) -> tuple[int, ...]:
    """The values as a tuple. Raises OptionError where one of them cannot be."""
    require_option(RecallSettings, "positive_dist_threshold", positive_dist_threshold)
    return require_option(RecallSettings, "recall_values", recall_values)


def score_places(
    database: tuple[Sequence[str], np.ndarray],
    queries: tuple[Sequence[str], np.ndarray],
    at: Located,
    *,
    radius: float,
    values: tuple[int, ...],
    metric: str,
    notes: Sequence[str] = (),
) -> RecallEvaluation:
    """The figures, of names [N] and descriptors [N, D] of images and of queries.

    Raises:
        PositionError: nothing can be measured by the positions.
    """
    found = recall_of(
        queries[1], database[1], at.queries, at.database, radius=radius, metric=metric
    )
    require_told_apart(found, at.queries, at.database, radius)
    notes = (*notes, at.note) if at.note else tuple(notes)
    return RecallEvaluation(database[0], queries[0], found, radius, values, notes)


def recall(
    descriptors: NamedRows,
    query_descriptors: NamedRows,
    *,
    database_folder: str | PathLike | None = None,
    queries_folder: str | PathLike | None = None,
    positions: str | PathLike | None = None,
    positive_dist_threshold: float = RADIUS,
    recall_values: Sequence[int] = RECALL_VALUES,
    metric: str = "cosine",
) -> RecallEvaluation:
    """Score anybody's descriptors by where images were taken.

    A query is found where one of its first N answers lies within the radius. Of equally similar
    answers that goes first which the database has first.

    Args:
        descriptors: of the database, a row an image: an .npz, .npy or HDF5 file (docs/
            interoperate.md), or names and rows.
        query_descriptors: of the queries, likewise.
        database_folder, queries_folder: of their images; then these are scored and no others. They
            are needed where a file has no names (.npy): its rows follow the folder's paths, sorted.
        positions: a CSV `image,easting,northing` or `image,latitude,longitude`; None: names of
            images have them, `@easting@northing@...@.jpg`.
        positive_dist_threshold: the radius in metres.
        recall_values: the N.
        metric: "cosine", "l1" or "l2".

    Raises:
        DescriptorError: descriptors are missing, doubled or not finite, or do not fit each other.
        PositionError: positions are missing or wrong.
        ImageError: a folder has no images, or both have one in common.
        OptionError: an option has an impossible value.
        ImportError: a format or a conversion needs a package that is not installed.

    >>> import pocketvlad
    >>> result = pocketvlad.recall("places/database.npz", "places/queries.npz")
    >>> result.recall(5)
    0.75
    >>> print(result)
    6 images, 4 queries
    1 query has no image within 25 m and counts as not found
    R@1: 50.0, R@5: 75.0, R@10: 75.0, R@20: 75.0
    """
    require_metric(metric)
    values = require_recall_options(positive_dist_threshold, recall_values)
    labels = ("descriptors", "query_descriptors")
    sources = list(map(as_named_rows, (descriptors, query_descriptors), labels))
    folders = [each if each is None else Path(each) for each in (database_folder, queries_folder)]
    if all(folders):
        require_apart(*folders, *map(listing, folders))
    elif _are_one(*sources):
        raise DescriptorError(
            f"{sources[0]} is given twice, and each query would find itself; give the folders of "
            "database and queries, too, or a file of each"
        )
    options = ("--database-folder", "--queries-folder")
    database, queries = map(of_folder, sources, labels, folders, options)
    require_comparable(database, queries)
    require_distinct_rows(database)
    if metric == "cosine":
        database, queries = map(unit_length, (database, queries))
    given = [
        Images(str(folder or rows.label), rows.names, files=bool(folder))
        for folder, rows in zip(folders, (database, queries), strict=True)
    ]
    return score_places(
        (database.names, database.rows),
        (queries.names, queries.rows),
        locate(*given, None if positions is None else Path(positions)),
        radius=float(positive_dist_threshold),
        values=values,
        metric=metric,
    )
