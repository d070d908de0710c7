"""What the results table says of test sets beyond the study's two cities: its last columns."""

from collections.abc import Iterator, Sequence

import pandas as pd

from pocketvlad.compression.recipes import BASE
from pocketvlad.data.protocols import protocol_named
from pocketvlad.report.basis import all_queries
from pocketvlad.report.score_columns import DENSE, SPREAD
from pocketvlad.report.tables.drops import fixed, interval, spread_text
from pocketvlad.report.tables.parts import Column, Entry
from pocketvlad.report.test_set_columns import recall_column, recall_counts, sets_of


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
        for count in recall_counts(table.columns, name):
            # On a narrow page two share a column.
            heading = f"R@{count} {name}"
            yield Column(heading, "%", below=above)
            above = "" if above else heading


def test_set_entries(line: pd.Series, names: Sequence[str]) -> Iterator[Entry]:
    """What stands under `test_set_headings`; a float32 model's own drops are 0 by definition."""
    for name in names:
        sets = sets_of(line.index, name)
        for queries in sets:
            drop = queries.drop_of(line, name)
            if line["version"] == BASE:
                yield Entry(fixed(drop.mean, 1))
            else:
                spread = spread_text(line[queries.drop(name) + SPREAD])
                yield Entry(fixed(drop.mean, 1), interval(drop), spread=spread)
        for queries in sets:
            column = queries.key(f"map_{name}")
            yield Entry(fixed(line[column], 1), spread=spread_text(line[column + SPREAD]))
        for count in recall_counts(line.index, name):
            yield Entry(fixed(line[recall_column(count, name)], 1))


def _recall(line: pd.Series, name: str) -> str:
    metres, without = line[f"recall_metres_{name}"], line[f"recall_without_positives_{name}"]
    return (
        f"R@N is the share of queries, as whole images, for which one of the first N images was "
        f"taken within {metres:g} m; {without} of {line[f'recall_queries_{name}']} have none that "
        "near and count as not found."
    )


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
            f"{cities[1]} are tested there. A query's score is the mean over both, and so are mAP "
            "and drop; no cell is marked by them."
        )
    line = table.iloc[0]
    for name in names:
        protocol = protocol_named(line[f"evaluation_{name}"])
        if len(protocol.difficulties) > 1:
            by = f"by the {line[f'evaluation_{name}']} protocol"
            yield f"mAP {name} is that of {protocol.headline}, {by}."
        yield f"{name}: {all_queries(line, sets_of(table.columns, name), [name])}"
        if recall_counts(table.columns, name):
            yield _recall(line, name)
