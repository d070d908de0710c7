"""The table of Recall@N of a study whose cities have positions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from statistics import fmean

import pandas as pd
from tabulate import tabulate

from pocketvlad.compression.recipes import BASE
from pocketvlad.report.best_cells import is_cell
from pocketvlad.report.recall_columns import (
    recall_column,
    recall_columns,
    recall_drop_column,
    recall_of,
)
from pocketvlad.report.tables.drops import drop_text
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.util.size import MEGABYTE

_NOTE = (
    "Recall@N is the share of queries for which one of the first N images was taken within "
    "{metres:g} m of the query, in %. Queries are the whole images of the official queries, and "
    "these images are taken out of the database. Queries without any image that near count as not "
    "found: {without}. Each figure is the mean over seeds; a size is that of the file that was "
    "decoded, in millions of bytes, the mean of both directions. A drop is in points below the "
    "base model of the same seeds, of the same queries. In square brackets: 95 % intervals, "
    "which allow for the landmarks that queries share, and of several seeds for other "
    "trainings. Where all queries fare alike, an interval has no width and says nothing."
)


def recall_values(rows: Iterable[Mapping]) -> list[int]:
    """The N that the rows have."""
    return list(map(int, next(iter(rows))["recall"]))


def recall_table(rows: Iterable[dict], cities: Sequence[str]) -> pd.DataFrame:
    """One line a model and version; see results/README.md for the columns.

    Args:
        rows: JSON rows of the base models and of the cells, both directions of each, of all seeds.
        cities: the two roles.

    Raises:
        KeyError: a row has no recall, or a direction or a base model is missing.
        ValueError: rows do not agree in what counts as found, or in the queries.
    """
    rows = list(rows)
    if len({(row["recall_metres"], *row["recall"]) for row in rows}) > 1:
        raise ValueError(
            "scores do not agree in the radius or the values of Recall@N; delete those that are "
            "out of date and run again"
        )
    groups: dict[tuple[str, str], dict[str, list[dict]]] = {}
    for row in rows:
        group = groups.setdefault((row["model"], row["version"]), {})
        group.setdefault(row["test_city"], []).append(row)
    bases = {
        (row["model"], row["seed"], row["test_city"]): row for row in rows if row["version"] == BASE
    }
    compressed = any(version != BASE for _, version in groups)
    lines = [_line(found, bases, cities, compressed) for found in groups.values()]
    return pd.DataFrame(lines)


def _line(
    found: Mapping[str, Sequence[Mapping]],
    bases: Mapping[tuple[str, int, str], Mapping],
    cities: Sequence[str],
    compressed: bool,
) -> dict[str, object]:
    """compressed: whether the table has compressed models, and so drops."""
    some = found[cities[0]]
    line: dict[str, object] = {key: some[0][key] for key in ("model", "version")}
    every = [row for of_city in found.values() for row in of_city]
    line["file_mb"] = fmean(row["file_bytes"] / MEGABYTE for row in every)
    for city in cities:
        line[f"map_{city}"] = fmean(100 * row["map"] for row in found[city])
    columns = {}
    for city in cities:
        base = [[bases[row["model"], row["seed"], city]] for row in found[city]]
        other = [[row] for row in found[city]]
        columns |= recall_columns(other, city, base if compressed else None)
    figures = [recall_column(count, city) for city, count in product(cities, some[0]["recall"])]
    counts = [
        f"recall_{what}_{city}" for city in cities for what in ("queries", "without_positives")
    ]
    line |= {name: columns[name] for name in (*figures, *counts)}
    line["recall_metres"] = some[0]["recall_metres"]
    line["seeds"] = " ".join(str(row["seed"]) for row in some)
    radii = [f"recall_metres_{city}" for city in cities]
    return line | {name: each for name, each in columns.items() if name not in radii}


def _models(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The lines of each model, the base model first."""
    for model, block in table.groupby("model", sort=False):
        yield model, block.sort_values("version", key=lambda names: names != BASE, kind="stable")


def _drops(
    block: pd.DataFrame, values: Sequence[int], cities: Sequence[str]
) -> Iterator[list[str]]:
    for _, line in block[is_cell(block)].iterrows():
        names = (recall_drop_column(count, city) for city, count in product(cities, values))
        yield [line["version"], *(drop_text(recall_of(line, name)) for name in names)]


def recall_markdown(
    table: pd.DataFrame, values: Sequence[int], cities: Sequence[str], title: str
) -> str:
    """The table as a page of Markdown, a block a model, the base model first."""
    headings = ["version", "file (MB)", *(f"mAP {city} (%)" for city in cities)]
    headings += [f"R@{count} {city}" for city, count in product(cities, values)]
    first = table.iloc[0]
    drops = [f"drop of R@{count} {city}" for city, count in product(cities, values)]
    parts = [f"# {title}"]
    for model, block in _models(table):
        lines = [
            [
                line["version"],
                fixed(line["file_mb"], 3),
                *(fixed(line[f"map_{city}"], 1) for city in cities),
                *(
                    drop_text(recall_of(line, recall_column(count, city)))
                    for city, count in product(cities, values)
                ),
            ]
            for _, line in block.iterrows()
        ]
        text = tabulate(lines, headings, tablefmt="pipe", disable_numparse=True)
        parts += [f"## {model}", text]
        if lost := list(_drops(block, values, cities)):
            headed = ["version", *drops]
            parts.append(tabulate(lost, headed, tablefmt="pipe", disable_numparse=True))
    counts = [
        (first[f"recall_without_positives_{city}"], first[f"recall_queries_{city}"], city)
        for city in cities
    ]
    without = ", ".join(f"{some} of {every} in {city}" for some, every, city in counts)
    note = _NOTE.format(metres=first["recall_metres"], without=without)
    return "\n\n".join([*parts, note]) + "\n"
