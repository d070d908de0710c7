"""What the results table says of test sets beyond the study's two cities: its last columns."""

from collections.abc import Iterator, Sequence
from math import nan

import pandas as pd

from pocketvlad.data.protocols import protocol_named
from pocketvlad.report.basis import all_queries
from pocketvlad.report.recall_columns import (
    recall_column,
    recall_counts,
    recall_drop_column,
    recall_of,
)
from pocketvlad.report.score_columns import DENSE, SPREAD, QuerySet
from pocketvlad.report.tables.drops import interval, spread_text
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.tables.parts import Column, Entry
from pocketvlad.report.test_set_columns import sets_of


def test_set_headings(table: pd.DataFrame, names: Sequence[str]) -> Iterator[Column]:
    """Of each test set drops, mAP and Recall@N, by the queries that it has."""
    for name in names:
        sets = sets_of(table.columns, name)
        for heading, unit in ((f"drop {name}", "points"), (f"mAP {name}", "%")):
            for queries in sets:
                if queries == DENSE:
                    yield Column(f"dense {heading}", unit, below=heading)
                else:
                    yield Column(heading, unit)
        above = ""
        counts = recall_counts(table.columns, name)
        if counts:
            yield Column(f"drop of R@{counts[0]} {name}", "points")
        for count in counts:
            # On a narrow page two share a column.
            heading = f"R@{count} {name}"
            yield Column(heading, "%", below=above)
            above = "" if above else heading


def _spread(line: pd.Series, column: str) -> str:
    """± over seeds, where a table has it."""
    return spread_text(line.get(column + SPREAD, nan))


def test_set_entries(line: pd.Series, names: Sequence[str], bare: bool) -> Iterator[Entry]:
    """What stands under `test_set_headings`.

    Args:
        bare: whether the line is that which drops refer to: its own are 0 by definition.
    """
    for name in names:
        sets = sets_of(line.index, name)
        for queries in sets:
            drop = queries.drop_of(line, name)
            if bare:
                yield Entry(fixed(drop.mean, 1))
            else:
                spread = _spread(line, queries.drop(name))
                yield Entry(fixed(drop.mean, 1), interval(drop), spread=spread)
        for queries in sets:
            column = queries.key(f"map_{name}")
            yield Entry(fixed(line[column], 1), spread=_spread(line, column))
        counts = recall_counts(line.index, name)
        if counts:
            drop = recall_of(line, recall_drop_column(counts[0], name))
            yield Entry(fixed(drop.mean, 1), "" if bare else interval(drop))
        for count in counts:
            found = recall_of(line, recall_column(count, name))
            yield Entry(fixed(found.mean, 1), interval(found))


def _recall(line: pd.Series, name: str) -> str:
    metres, without = line[f"recall_metres_{name}"], line[f"recall_without_positives_{name}"]
    by_landmarks = f"landmarks_{name}" in line
    other = "the landmarks that queries share" if by_landmarks else "other queries like these"
    return (
        f"{name}: R@N is the share of queries, as whole images, for which one of the first N "
        f"images was taken within {metres:g} m; {without} of {line[f'recall_queries_{name}']} "
        f"have none that near and count as not found. Its interval allows for {other}."
    )


def _map(line: pd.Series, name: str, sets: Sequence[QuerySet]) -> Iterator[str]:
    protocol = protocol_named(line[f"evaluation_{name}"])
    if len(protocol.difficulties) > 1:
        by = f"by the {line[f'evaluation_{name}']} protocol"
        yield f"mAP {name} is that of {protocol.headline}, {by}."
    yield f"{name}: {all_queries(line, sets, [name])}"


def test_set_sentences(
    table: pd.DataFrame, names: Sequence[str], cities: Sequence[str]
) -> Iterator[str]:
    """What the figures of test sets are.

    Args:
        cities: the two that models are trained on.
    """
    if names:
        of = "is a test set" if len(names) == 1 else "are test sets"
        yield (
            f"{', '.join(names)} {of} beyond the two cities: models trained on {cities[0]} and on "
            f"{cities[1]} are tested there. A query's score is the mean over both, and so are mAP, "
            "R@N and drops; no cell is marked by them."
        )
    line = table.iloc[0]
    for name in names:
        if sets := sets_of(table.columns, name):
            yield from _map(line, name, sets)
        if recall_counts(table.columns, name):
            yield _recall(line, name)
