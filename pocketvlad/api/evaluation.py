"""Anybody's descriptors, scored against a ground truth. Takes no torch."""

from collections.abc import Container
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import pandas as pd

from pocketvlad.api.arguments import NamedRows, as_named_rows, require_metric
from pocketvlad.data.dataset import Dataset, describe_absent, describe_counts, index_dataset
from pocketvlad.data.declarations import declared_dataset
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.protocols import protocol_named
from pocketvlad.retrieval.descriptor_file import (
    DescriptorError,
    Descriptors,
    checked_descriptors,
    read_descriptors,
    require_comparable,
    require_distinct_rows,
    require_same_images,
    unit_length,
)
from pocketvlad.scoring.ranking import rankings
from pocketvlad.scoring.score_table import landmark_table, query_table
from pocketvlad.scoring.scores import Scores, score_rankings, score_row

_WHOLE_IMAGES = "queries are whole images: without query descriptors their boxes have no part"


@dataclass(frozen=True)
class Evaluation:
    """The scores of descriptors; printed, it is a table with a line a landmark.

    Attributes:
        dataset: the images and the queries that were scored.
        scores: of each query, by difficulty: "all", or "easy", "medium" and "hard".
        of_whole_images: whether a query is the row of its whole image, its box without a part.
    """

    dataset: Dataset
    scores: dict[str, Scores]
    of_whole_images: bool

    @property
    def map(self) -> float:
        """Mean average precision, 0 to 1, of the protocol's headline difficulty."""
        return score_row(self.scores, self.dataset.protocol)["map"]

    def queries(self) -> pd.DataFrame:
        """A row a query and difficulty: average precision and precisions, 0 to 1."""
        return query_table(self.dataset.queries, self.scores)

    def __str__(self) -> str:
        lines = [
            f"{self.dataset.name}: {describe_counts(self.dataset.counts())}",
            _WHOLE_IMAGES if self.of_whole_images else "",
            describe_absent(self.dataset),
        ]
        table = landmark_table(self.dataset.queries, self.scores)
        return "\n".join([*filter(None, lines), "", table])


def _read(source: NamedRows, label: str, known: Container[str] = ()) -> Descriptors:
    """known: names that are not cut, see `checked_descriptors`."""
    found = as_named_rows(source, label)
    if isinstance(found, tuple):
        return checked_descriptors(label, *found, known=known)
    return read_descriptors(found, known)


def _with_rows(dataset: Dataset, rows: Descriptors) -> Dataset:
    """Only the queries that have a row.

    Raises:
        DescriptorError: none has.
    """
    known = set(rows.names)
    queries = tuple(query for query in dataset.queries if query.name in known)
    if not queries:
        raise DescriptorError(
            f"{rows.label} has no query of {dataset.name}, such as {dataset.queries[0].name!r}; "
            "name its rows after queries, or, in the revisited protocol, after their images"
        )
    return replace(dataset, queries=queries)


def evaluate(
    descriptors: NamedRows,
    ground_truth: str | PathLike,
    *,
    query_descriptors: NamedRows | None = None,
    dataset: str | None = None,
    metric: str = "cosine",
    protocol: str | None = None,
    partial: bool = False,
) -> Evaluation:
    """Score descriptors by the official rules of Oxford and Paris Buildings.

    Args:
        descriptors: a row an image: an .npz file of `names` and `descriptors`, or these two.
        ground_truth: a folder or an archive of the official lists, a gnd_*.pkl, or a CSV
            (docs/data.md).
        query_descriptors: a row a query, by its name ("all_souls_1"), or by its image's name
            under the revisited protocol; None: a query is the row of its whole image, and its box
            has no part.
        dataset: an official one, such as "oxford5k", whose counts are then held against what is
            there; None: one of your own.
        metric: "cosine", "l1" or "l2".
        protocol: see `data.protocols`; None: the data set's, or "original".
        partial: whether images and queries may be missing; so may rows of queries.

    Raises:
        DescriptorError: descriptors are missing, doubled or not finite, or do not fit each other.
        DatasetError, DeclarationError: images or queries are missing; there is no such data set.
        GroundTruthError, ArchiveError: the ground truth cannot be read; names the file.
        OptionError: the metric is none of these, or what is given is no descriptors.

    >>> import pocketvlad
    >>> result = pocketvlad.evaluate("descriptors.npz", "ground_truth/")
    >>> round(result.map, 3)
    0.903
    >>> print(result)
    ground_truth: 5 images, 1 query
    queries are whole images: without query descriptors their boxes have no part
    <BLANKLINE>
    landmark      queries    mAP
    ----------  ---------  -----
    hall                1  90.28
    all                 1  90.28
    """
    require_metric(metric)
    ground_truth = Path(ground_truth)
    declared = declared_dataset(dataset) if dataset else {}
    usual = declared.get("protocol", "original")
    protocol = protocol or usual
    lists = read_any_ground_truth(ground_truth, protocol, declared.get("query_prefix", ""))
    own_rows = query_descriptors is not None
    files = [_read(descriptors, "descriptors")]
    if own_rows:
        names = {query.name for query in lists}  # of one image's boxes "image/1", "image/2"
        files.append(_read(query_descriptors, "query_descriptors", names))
        require_comparable(*files)
        if protocol_named(protocol).outside:  # queries have their images' names
            require_same_images(*files)
    require_distinct_rows(files[0])
    if metric == "cosine":
        files = [unit_length(each) for each in files]
    names = set(files[0].names)
    if own_rows and protocol_named(protocol).outside:
        names |= {query.image for query in lists}  # their images need no row in the database
    indexed = index_dataset(
        dataset or ground_truth.stem,
        dict.fromkeys(names, (1, 1)),  # of their sizes nothing is asked
        lists,
        protocol=protocol,
        expected_images=declared.get("expected_images"),
        # Those of another protocol are others.
        expected_queries=declared.get("expected_queries") if protocol == usual else None,
        leave_out=declared.get("leave_out", ()),
        partial=partial,
        allowed_by="--partial (in Python, partial=True)",
    )
    if own_rows and partial:
        indexed = _with_rows(indexed, files[-1])
    wanted = [query.name if own_rows else query.image for query in indexed.queries]
    rows = files[-1].of(wanted)
    ranked = rankings(rows, indexed.images, files[0].of(indexed.images), metric)
    scores = score_rankings(indexed.queries, ranked, protocol)
    return Evaluation(indexed, scores, of_whole_images=not own_rows)
