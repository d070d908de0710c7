"""The table of Recall@N of a study whose cities have positions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from statistics import fmean

import pandas as pd
from tabulate import tabulate

from pocketvlad.compression.recipes import BASE
from pocketvlad.report.tables.drops import fixed
from pocketvlad.util.size import MEGABYTE

_NOTE = (
    "Recall@N is the share of queries for which one of the first N images was taken within "
    "{metres:g} m of the query, in %. Queries are the whole images of the official queries, and "
    "these images are taken out of the database. Queries without any image that near count as not "
    "found: {without}. Each figure is the mean over seeds; a size is that of the file that was "
    "decoded, in millions of bytes, the mean of both directions."
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
        KeyError: a row has no recall, or a direction is missing.
        ValueError: rows do not agree in what counts as found.
    """
    rows = list(rows)
    if len({(row["recall_metres"], *row["recall"]) for row in rows}) > 1:
        raise ValueError(
            "scores do not agree in the radius or the values of Recall@N; delete those that are "
            "out of date and run again"
        )
    values = recall_values(rows)
    groups: dict[tuple[str, str], dict[str, list[dict]]] = {}
    for row in rows:
        group = groups.setdefault((row["model"], row["version"]), {})
        group.setdefault(row["test_city"], []).append(row)
    lines = []
    for (model, version), found in groups.items():
        line: dict[str, object] = {"model": model, "version": version}
        line["file_mb"] = fmean(
            row["file_bytes"] / MEGABYTE for some in found.values() for row in some
        )
        for city in cities:
            line[f"map_{city}"] = fmean(100 * row["map"] for row in found[city])
        for city, count in product(cities, values):
            recalls = (100 * row["recall"][str(count)] for row in found[city])
            line[f"recall_at_{count}_{city}"] = fmean(recalls)
        for city in cities:
            row = found[city][0]
            line[f"recall_queries_{city}"] = len(row["recall_first_right"])
            line[f"recall_without_positives_{city}"] = row["recall_without_positives"]
        line["recall_metres"] = found[cities[0]][0]["recall_metres"]
        line["seeds"] = " ".join(str(row["seed"]) for row in found[cities[0]])
        lines.append(line)
    return pd.DataFrame(lines)


def recall_markdown(
    table: pd.DataFrame, values: Sequence[int], cities: Sequence[str], title: str
) -> str:
    """The table as a page of Markdown, a block a model, the base model first."""
    headings = ["version", "file (MB)", *(f"mAP {city} (%)" for city in cities)]
    headings += [f"R@{count} {city}" for city, count in product(cities, values)]
    first = table.iloc[0]
    parts = [f"# {title}"]
    for model, block in table.groupby("model", sort=False):
        ordered = block.sort_values("version", key=lambda names: names != BASE, kind="stable")
        lines = [
            [
                line["version"],
                fixed(line["file_mb"], 3),
                *(fixed(line[f"map_{city}"], 1) for city in cities),
                *(
                    fixed(line[f"recall_at_{count}_{city}"], 1)
                    for city, count in product(cities, values)
                ),
            ]
            for _, line in ordered.iterrows()
        ]
        text = tabulate(lines, headings, tablefmt="pipe", disable_numparse=True)
        parts += [f"## {model}", text]
    counts = [
        (first[f"recall_without_positives_{city}"], first[f"recall_queries_{city}"], city)
        for city in cities
    ]
    without = ", ".join(f"{some} of {every} in {city}" for some, every, city in counts)
    note = _NOTE.format(metres=first["recall_metres"], without=without)
    return "\n\n".join([*parts, note]) + "\n"
