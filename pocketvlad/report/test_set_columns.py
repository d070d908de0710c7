"""Columns of the results table for a test set beyond the study's two cities.

Models of both cities are tested there, on the same queries. So each query has one score a seed: the
mean over the two models of that seed. mAP, drop and interval are those of these scores, and so are
Recall@N, its drop and their intervals, where it is known where images were taken. The
interval allows for landmarks, and for other trainings where there are several seeds; the training
cities stay the study's two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from pocketvlad.data.protocols import protocol_named
from pocketvlad.report.recall_columns import has_recall, recall_columns
from pocketvlad.report.score_columns import (
    DENSE,
    OFFICIAL,
    SPREAD,
    QuerySet,
    place_columns,
    query_counts,
    row_sets,
)

Rows = Sequence[Mapping]
"""Of one seed, a row a training city."""


@dataclass(frozen=True)
class TestSetScores:
    """The rows of one test set.

    name: its role.  cities: the training cities.  rows: by (model, version, seed, training city).
    """

    __test__ = False  # no test of pytest's

    name: str
    cities: Sequence[str]
    rows: Mapping[tuple[str, str, int, str], Mapping]

    def of(self, model: str, version: str, seed: int) -> Rows:
        """
        Raises:
            ValueError: a training city has no row.
        """
        return [self.row_of(model, version, seed, city) for city in self.cities]

    def row_of(self, model: str, version: str, seed: int, city: str) -> Mapping:
        """That of the model trained on one city.

        Raises:
            ValueError: there is none.
        """
        row = self.rows.get((model, version, seed, city))
        if row is None:
            raise ValueError(
                f"test set {self.name}: no row of {(model, version, seed)} trained on {city}"
            )
        return row


def by_test_set(
    rows: Iterable[Mapping], names: Sequence[str], cities: Sequence[str]
) -> list[TestSetScores]:
    """The rows of each test set, in the order of `names`.

    Raises:
        ValueError: two rows are of one training.
    """
    found: dict[str, dict] = {name: {} for name in names}
    for row in rows:
        key = row["model"], row["version"], row["seed"], row["train_city"]
        of_set = found[row["test_city"]]
        if key in of_set:
            raise ValueError(f"test set {row['test_city']}: two rows for {key}")
        of_set[key] = row
    return [TestSetScores(name, cities, of_set) for name, of_set in found.items()]


def _mean_row(rows: Rows) -> dict[str, object]:
    """One row in place of those of both training cities: each query's score is the mean."""
    mean: dict[str, object] = {}
    for queries in row_sets(rows):
        scores, landmarks = queries.key("average_precision"), queries.key("landmarks")
        if len({frozenset(row[scores]) for row in rows}) > 1:
            raise ValueError(
                f"scores on {rows[0]['test_city']} are of unlike queries; delete those that are "
                "out of date and run again"
            )
        mean[queries.key("map")] = fmean(row[queries.key("map")] for row in rows)
        mean[scores] = {name: fmean(row[scores][name] for row in rows) for name in rows[0][scores]}
        mean[landmarks] = rows[0][landmarks]
    return mean


def _each_city(base: Sequence[Rows], other: Sequence[Rows], name: str) -> Iterator[tuple]:
    """(column, figure) of each training city alone; means over seeds."""
    for queries in row_sets([row for rows in (*base, *other) for row in rows]):
        for place, row in enumerate(other[0]):
            scores, bases = (
                [100 * rows[place][queries.key("map")] for rows in each] for each in (other, base)
            )
            city = row["train_city"]
            yield queries.key(f"map_{name}_from_{city}"), fmean(scores)
            yield queries.drop(f"{name}_from_{city}"), fmean(bases) - fmean(scores)


def _difficulties(other: Sequence[Rows], name: str) -> Iterator[tuple[str, float]]:
    """mAP of the difficulties that are not the protocol's headline."""
    rows = [row for rows in other for row in rows]
    if not row_sets(rows):
        return
    protocol = protocol_named(rows[0]["test_dataset"]["protocol"])
    for difficulty in protocol.difficulties:
        if difficulty != protocol.headline and difficulty in rows[0]["difficulties"]:
            found = (100 * row["difficulties"][difficulty]["map"] for row in rows)
            yield f"map_{difficulty}_{name}", fmean(found)


def _recall(base: Sequence[Rows], other: Sequence[Rows], name: str) -> dict[str, object]:
    """Recall@N and its drop, where it is known where images were taken."""
    if has_recall(row for rows in (*base, *other) for row in rows):
        return recall_columns(other, name, base)
    return {}


def sets_of(columns: Iterable[str], name: str) -> list[QuerySet]:
    """The queries that a table has mAP of on a test set; none where positions alone are known."""
    names = set(columns)
    return [queries for queries in (OFFICIAL, DENSE) if queries.drop(name) in names]


def columns_of_test_set(
    scores: TestSetScores, model: str, base: str, version: str, seeds: Sequence[int]
) -> dict[str, object]:
    """All columns of a line of the results table for one test set; see results/README.md.

    Args:
        base: the version that drops refer to.
        seeds: those whose trainings the line is the mean of.

    Raises:
        ValueError: a row is missing, or rows are of unlike queries.
    """
    name = scores.name
    bases = [scores.of(model, base, seed) for seed in seeds]
    others = [scores.of(model, version, seed) for seed in seeds]
    means = [_mean_row(rows) for rows in bases], [_mean_row(rows) for rows in others]
    columns = place_columns(*means, name)
    columns |= dict(_each_city(bases, others, name))
    columns |= dict(_difficulties(others, name))
    columns |= _recall(bases, others, name)
    some = others[0][0]
    counts = some["test_dataset"]
    columns[f"evaluation_{name}"] = counts["protocol"]
    columns[f"dataset_{name}"] = counts["name"]
    columns[f"images_{name}"] = counts["images"]
    columns[f"queries_{name}"] = counts["queries"]
    return columns | query_counts(some, name)


def cell_columns(
    scores: TestSetScores, model: str, base: str, version: str, seeds: Sequence[int]
) -> tuple[dict[str, object], dict[int, dict[str, object]]]:
    """The columns of a cell, the mean over its seeds with standard deviations; and of each seed.

    Args, Raises: see `columns_of_test_set`.
    """
    each = {seed: columns_of_test_set(scores, model, base, version, [seed]) for seed in seeds}
    some = next(iter(each.values()))
    several = len(each) > 1
    mean = columns_of_test_set(scores, model, base, version, seeds) if several else dict(some)
    for queries in sets_of(some, scores.name):
        for column in (queries.key(f"map_{scores.name}"), queries.drop(scores.name)):
            values = [columns[column] for columns in each.values()]
            mean[column + SPREAD] = stdev(values) if several else float("nan")
    return mean, each
