"""Scores, drops and their intervals as columns of tables, of the official queries and the dense.

The dense queries are every labelled photograph (`data.dense`). Cells are judged by them where every
city has some, else by the official ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from pocketvlad.report.names import MEAN
from pocketvlad.scoring.bootstrap import Drop, paired_drop
from pocketvlad.scoring.landmark_bootstrap import Comparison, landmark_drop

SPREAD = "_spread"  # after a column's name: its standard deviation over seeds


@dataclass(frozen=True)
class QuerySet:
    """The queries of a protocol, and what columns of their scores are called.

    prefix: of its columns, and of its keys in a JSON row.  landmarks, plain: what the ends of the
    interval by landmarks and of the plain one have after the drop's name. (The official columns are
    older than the interval by landmarks.)
    """

    prefix: str
    landmarks: str
    plain: str

    def key(self, name: str) -> str:
        return self.prefix + name

    def drop(self, name: str) -> str:
        """The column of the drop on a city, or of MEAN."""
        return f"{self.prefix}drop_{name}"

    def drop_of(self, line: Mapping[str, object], name: str) -> Drop:
        """The drop on a city, or of MEAN, with its interval by landmarks, of a table's line."""
        column = self.drop(name)
        low, high = (line[f"{column}{self.landmarks}_{end}"] for end in ("low", "high"))
        return Drop(line[column], low, high)


OFFICIAL = QuerySet("", landmarks="_landmarks", plain="")
DENSE = QuerySet("dense_", landmarks="", plain="_plain")


def query_sets(columns: Iterable[str]) -> list[QuerySet]:
    """Those that a table has columns of; the one that cells are judged by is the last."""
    return [OFFICIAL, DENSE] if DENSE.drop(MEAN) in columns else [OFFICIAL]


def row_sets(rows: Iterable[Mapping]) -> list[QuerySet]:
    """Those that each of some JSON rows has scores of; none where positions alone are known."""
    rows = list(rows)
    return [each for each in (OFFICIAL, DENSE) if all(each.key("map") in row for row in rows)]


def judging(columns: Iterable[str]) -> QuerySet:
    """The queries that a table's cells are judged by."""
    return query_sets(columns)[-1]


Trainings = Mapping[str, Sequence[Mapping]]
"""By test city the rows of one model, a row a training."""


def by_direction(rows: Iterable[dict]) -> dict[tuple[str, str, str], dict]:
    """The rows of one seed by (model, version, test city).

    Raises:
        ValueError: two rows are of one direction, as those of two seeds are.
    """
    found: dict[tuple[str, str, str], dict] = {}
    for row in rows:
        key = row["model"], row["version"], row["test_city"]
        if key in found:
            raise ValueError(f"two rows for {key}; give those of one seed")
        found[key] = row
    return found


def alone(rows: Mapping[str, Mapping]) -> Trainings:
    """Of one training, of which there is a row a test city."""
    return {city: [row] for city, row in rows.items()}


def _comparison(queries: QuerySet, base: Sequence[Mapping], other: Sequence[Mapping]) -> Comparison:
    """Of the rows of one city."""
    scores = queries.key("average_precision")
    return Comparison(
        [row[scores] for row in base],
        [row[scores] for row in other],
        base[0][queries.key("landmarks")],
    )


def _map_column(queries: QuerySet, city: str, rows: Sequence[Mapping]) -> dict[str, object]:
    return {queries.key(f"map_{city}"): fmean(100 * row[queries.key("map")] for row in rows)}


def _drop_columns(
    queries: QuerySet, name: str, comparisons: Sequence[Comparison]
) -> tuple[dict[str, object], Drop, Drop]:
    """Of the drop on a city, or of MEAN; and that drop: by landmarks, and plain."""
    by_landmarks = landmark_drop(comparisons)
    plain = paired_drop([(comparison.base, comparison.other) for comparison in comparisons])
    column = queries.drop(name)
    columns: dict[str, object] = {column: plain.mean}
    for suffix, drop in ((queries.landmarks, by_landmarks), (queries.plain, plain)):
        columns[f"{column}{suffix}_low"] = drop.low
        columns[f"{column}{suffix}_high"] = drop.high
    return columns, by_landmarks, plain


def _columns(
    queries: QuerySet, base: Trainings, other: Trainings
) -> tuple[dict[str, object], Drop, Drop]:
    """All columns of one set of queries, and the mean drop: by landmarks, and plain."""
    columns: dict[str, object] = {}
    for city, rows in other.items():
        columns |= _map_column(queries, city, rows)
    each = {city: [_comparison(queries, base[city], other[city])] for city in other}
    each[MEAN] = [comparison for [comparison] in each.values()]
    for name, comparisons in each.items():
        found, by_landmarks, plain = _drop_columns(queries, name, comparisons)
        columns |= found
    columns[queries.key("visible_drop")] = by_landmarks.visible
    return columns, by_landmarks, plain


def place_columns(
    base: Sequence[Mapping], other: Sequence[Mapping], name: str
) -> dict[str, object]:
    """mAP, and the drop with its intervals, on one data set, as columns; no judgement.

    Args:
        base, other: a row a training, as in `score_columns`.
        name: of the data set, in columns.
    """
    columns: dict[str, object] = {}
    for queries in row_sets([*base, *other]):
        columns |= _map_column(queries, name, other)
        columns |= _drop_columns(queries, name, [_comparison(queries, base, other)])[0]
    return columns


def score_columns(base: Trainings, other: Trainings, cities: Sequence[str]) -> dict[str, object]:
    """mAP, and the drop below the base model with its intervals, as columns of a table.

    Each figure is the mean over trainings.

    Args:
        base, other: rows of the base models, and of the compressed ones. The k-th of both is of the
            same seed, so that a model is compared with what it was made from.

    Raises:
        ValueError: as `landmark_bootstrap.Comparison.sample`.
    """
    base, other = ({city: rows[city] for city in cities} for rows in (base, other))
    columns, judged, plain = _columns(OFFICIAL, base, other)
    every_row = list(chain.from_iterable((*base.values(), *other.values())))
    if DENSE in row_sets(every_row):
        dense, judged, _ = _columns(DENSE, base, other)
        columns |= dense
    return columns | {"no_drop": judged.none, "official_no_drop": plain.none}


def spread_columns(columns: Iterable[str], cities: Sequence[str]) -> dict[str, str]:
    """By column the one that has its standard deviation over seeds: of scores, drops and ratio."""
    spread = ["ratio"]
    for queries in query_sets(columns):
        spread += [queries.key(f"map_{city}") for city in cities]
        spread += [queries.drop(name) for name in (*cities, MEAN)]
    return {name: f"{name}{SPREAD}" for name in spread}


def query_counts(row: Mapping[str, object], city: str) -> dict[str, int]:
    """How many landmarks the queries of a row are of, and how many are dense, as columns; none
    where nobody says."""
    counts = {}
    if OFFICIAL.key("landmarks") in row:
        counts[f"landmarks_{city}"] = len(set(row["landmarks"].values()))
    if DENSE.key("landmarks") in row:
        landmarks = row[DENSE.key("landmarks")]
        counts[f"dense_queries_{city}"] = len(landmarks)
        counts[f"dense_landmarks_{city}"] = len(set(landmarks.values()))
    return counts
