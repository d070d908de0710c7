"""The table of rivals: size, scores, time and memory, beside the base model and ours."""

from collections.abc import Iterable, Sequence

import pandas as pd
from tabulate import tabulate

from pocketvlad.compression.recipes import BASE
from pocketvlad.report.best_cells import is_cell
from pocketvlad.report.score_columns import (
    MEAN,
    alone,
    by_direction,
    judging,
    query_sets,
    score_columns,
)
from pocketvlad.report.tables.drops import DROPS, drop_entries, drop_headings
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.tables.markdown import entry_text, heading_text
from pocketvlad.report.tables.test_sets import (
    test_set_entries,
    test_set_headings,
    test_set_sentences,
)
from pocketvlad.report.test_set_columns import TestSetScores, columns_of_test_set
from pocketvlad.util.size import MEGABYTE, float32_bytes

OURS = ("float32", "pvlad")
"""Coders of the table that are no rivals: the base model's file, and our format."""
_LOSSLESS = ("pvlad", "symbols")
"""Coders of a cell's symbols: their scores are the cell's."""
_COSTS = ("encode_seconds", "decode_seconds", "encode_memory_mb", "decode_memory_mb")
_NOTE = (
    f"{DROPS} A size is that of the file that "
    "was decoded, in millions of bytes; sizes and times are means of both directions, memory is "
    "the most that the coder's process held, the model included. Every coder ran on one core. "
    "*Ours* is the smallest file of the study that on the mean of both cities loses no more than "
    "the coder's, in % of its bytes. "
    "Where a coder was given a cell, it codes its symbols without loss: the scores are the cell's. "
    "All models, ours too, are of the study's first seed."
)


def _line(
    measured: dict[str, dict],
    scores: dict,
    model: str,
    cities: Sequence[str],
    test_sets: Sequence[TestSetScores],
) -> dict:
    """One line, from what was measured in each direction, by test city."""
    some = next(iter(measured.values()))
    version = some["source"] if some["of_cell"] else some["name"]
    found = {name: {city: scores[model, name, city] for city in cities} for name in (BASE, version)}
    sizes = {city: measured[city]["file_bytes"] for city in cities}
    mean = sum(sizes.values()) / len(sizes)
    columns = {key: some[key] for key in ("model", "label", "coder", "source", "name")}
    columns |= {"file_mb": mean / MEGABYTE, "ratio": float32_bytes(some["parameters"]) / mean}
    columns |= score_columns(alone(found[BASE]), alone(found[version]), cities)
    columns |= {f"file_bytes_{city}": sizes[city] for city in cities}
    for cost in _COSTS:
        values = [measured[city].get(cost, float("nan")) for city in cities]
        columns[cost] = max(values) if cost.endswith("memory_mb") else sum(values) / len(values)
    for each in test_sets:
        seed = found[BASE][cities[0]]["seed"]
        columns |= columns_of_test_set(each, model, BASE, version, [seed])
    return columns


def _base(row: dict) -> dict:
    """The base model's file in the form of what is measured of rivals."""
    own = {"label": "float32", "coder": "float32", "source": BASE, "name": BASE}
    kept = {key: row[key] for key in ("model", "test_city", "parameters", "file_bytes")}
    return {**own, **kept, "of_cell": False}


def rivals_table(
    measured: Iterable[dict],
    scores: Iterable[dict],
    cities: Sequence[str],
    test_sets: Sequence[TestSetScores] = (),
) -> pd.DataFrame:
    """One line a coder and what it was given, the base model first; see results/README.md.

    Args:
        measured: what `compress_rival` wrote of each model, city and rival.
        scores: JSON rows of the base models, of the rivals' models, and of the cells they coded,
            all of one seed.
        cities: the two roles.
        test_sets: scores on each test set beyond these, of the same models.

    Raises:
        ValueError: a direction is missing, or a score; or two rows are of one direction.
    """
    by_name = by_direction(scores)
    bases = [_base(row) for (_, version, _), row in by_name.items() if version == BASE]
    grouped: dict[tuple[str, str], dict[str, dict]] = {}
    for row in [*bases, *measured]:
        grouped.setdefault((row["model"], row["name"]), {})[row["test_city"]] = row
    lines = []
    for (model, name), directions in grouped.items():
        try:
            lines.append(_line(directions, by_name, model, cities, test_sets))
        except KeyError as error:
            raise ValueError(f"rival {name} of {model}: nothing known of {error}") from None
    return pd.DataFrame(lines).sort_values("model", kind="stable", ignore_index=True)


def with_ours(rivals: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """`rivals` with a column `ours_percent`: the bytes of the study's smallest compressed file that
    drops no further than the rival (by dense queries, where there are any), as % of the rival's;
    none where all do, or of a cell's symbols.

    Args:
        table: the lines of the same seed, as `rows.of_seed` gives them.
    """
    cells, drop = table[is_cell(table)], judging(rivals.columns).drop(MEAN)

    def share(line: pd.Series) -> float:
        if line["coder"] in _LOSSLESS:
            return float("nan")
        own = cells[(cells["model"] == line["model"]) & (cells[drop] <= line[drop])]
        return 100 * own["file_mb"].min() / line["file_mb"]

    return rivals.assign(ours_percent=rivals.apply(share, axis=1))


def _figure(line: pd.Series, column: str, digits: int) -> str:
    return "" if pd.isna(line[column]) else fixed(line[column], digits)


def rivals_markdown(
    table: pd.DataFrame, cities: Sequence[str], title: str, test_sets: Sequence[str] = ()
) -> str:
    """The table of `with_ours` as a page of Markdown, a block a model, the largest file first.

    Args:
        test_sets: the roles of those beyond the two cities; their columns come last.
    """
    headings = ["coder", "of", "file (MB)", "ratio", *(f"mAP {city} (%)" for city in cities)]
    sets = query_sets(table.columns)
    headings += drop_headings(sets, cities)
    headings += ["ours (%)", "encode (s)", "decode (s)", "encode (MB)", "decode (MB)"]
    headings += map(heading_text, test_set_headings(table, test_sets))
    parts = [f"# {title}"]
    for model, block in table.groupby("model", sort=False):
        rows = [
            [
                line["label"],
                line["source"],
                fixed(line["file_mb"], 2),
                f"{fixed(line['ratio'], 1)}x",
                *(fixed(line[f"map_{city}"], 1) for city in cities),
                *drop_entries(line, sets, cities, bare=line["coder"] == "float32"),
                _figure(line, "ours_percent", 0),
                *(_figure(line, cost, 0 if "memory" in cost else 2) for cost in _COSTS),
                *map(
                    entry_text,
                    test_set_entries(line, test_sets, bare=line["coder"] == "float32"),
                ),
            ]
            for _, line in block.sort_values("file_mb", ascending=False, kind="stable").iterrows()
        ]
        text = tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)
        parts += [f"## {model}", text]
    note = " ".join([_NOTE, *test_set_sentences(table, test_sets, cities)])
    return "\n\n".join([*parts, note]) + "\n"
