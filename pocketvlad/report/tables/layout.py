"""The results table in the paper's layout."""

from collections.abc import Iterator, Sequence
from itertools import chain

import pandas as pd

from pocketvlad.compression.recipes import BASE, recipe_of
from pocketvlad.report.basis import all_queries, of_several, of_unlike, with_seeds
from pocketvlad.report.best_cells import is_cell, of_most_trainings
from pocketvlad.report.score_columns import DENSE, MEAN, OFFICIAL, SPREAD, QuerySet, query_sets
from pocketvlad.report.tables.drops import DROPS, drop_names, interval, spread_text
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.tables.parts import (
    MARKS,
    NO_DROP,
    Block,
    Column,
    Entry,
    Layout,
    Line,
)
from pocketvlad.report.tables.test_sets import (
    test_set_entries,
    test_set_headings,
    test_set_sentences,
)
from pocketvlad.scoring.bootstrap import MAX_DROP

LEGEND = (
    (MARKS["best_no_drop"], "the smallest file of the model at no drop"),
    (
        MARKS["best_2_points"],
        "the smallest file of the model within 2 points: the mean drop of both cities is at most "
        "2, of the dense queries where there are any",
    ),
    (
        NO_DROP,
        "no drop, by the dense queries where there are any: the interval of the mean drop is not "
        f"above 0, and the mean is at most {MAX_DROP:g} points",
    ),
)
_EXPLANATION = (
    "In round brackets: what the paper published for its own, full-size model.",
    DROPS,
    "Visible is the smallest drop that the study could have seen, half the width of the interval "
    "of the mean drop, of the dense queries where there are any.",
    "Memory counts kept weights times bits, in MiB, as the paper does, and nothing for their "
    "positions; its ratio is that to the float32 weights.",
    "File is the size of the file that was decoded and scored, in millions of bytes, the mean of "
    "both directions. The file ratio is that of the float32 weights to it; projection is the share "
    "of that part.",
    "Length is the number of components of the descriptor that are kept; where the two models of a "
    "row differ in it, in the order of the cities that they are tested on.",
)
_SEEDS = (
    "A row is the mean over the trainings whose seeds it names, in each direction one a seed; ± is "
    "the standard deviation over them. The intervals of a row of several seeds allow for other "
    "trainings, those of a row of one do not."
)
_UNLIKE = (
    "A row of fewer seeds than its base model has drops below the base models of its own seeds. "
    "They are not the differences between its mAP and that of the base model's row."
)
_FEWER = (
    f"{MARKS['best_no_drop']} and {MARKS['best_2_points']} are of the rows of the most trainings "
    "of a model; one of fewer may have been lucky."
)


def _explanation(table: pd.DataFrame, cities: Sequence[str]) -> Iterator[str]:
    """Sentences on what the figures are."""
    yield from _EXPLANATION
    yield all_queries(table.iloc[0], query_sets(table.columns), cities)
    if of_several(table):
        yield _SEEDS
    else:
        yield (
            f"Every row is of {with_seeds(table['seeds'].iloc[0])}, in each direction one; the "
            "intervals do not allow for other trainings."
        )
    if of_unlike(table):
        yield _UNLIKE
    if (is_cell(table) & ~of_most_trainings(table)).any():
        yield _FEWER


_DIAL = "threshold"


def _of_each_set(sets: Sequence[QuerySet], headings: Sequence[str], unit: str) -> Iterator[Column]:
    for queries in sets:
        for heading in headings:
            if queries == DENSE:
                yield Column(f"dense {heading}", unit, below=heading)
            else:
                yield Column(heading, unit)


ROW_NAMES = (
    Column("bits", names_row=True),
    Column("quantizer", names_row=True),
    Column(_DIAL, names_row=True),
)
"""What tells a row from the others of its model, as `row_names` fills it."""


def _columns(sets: Sequence[QuerySet], cities: Sequence[str], several: bool) -> tuple[Column, ...]:
    """several: whether rows are of several seeds."""
    return (
        *ROW_NAMES,
        *([Column("seeds", below=_DIAL)] if several else []),
        Column("pruned", "%"),
        *_of_each_set(sets, drop_names(OFFICIAL, cities), "points"),
        Column("visible", "points"),
        Column("memory", "MiB"),
        Column("memory ratio"),
        Column("file", "MB"),
        Column("file ratio"),
        Column("projection", "%"),
        Column("length", below="projection"),
        *_of_each_set(sets, [f"mAP {city}" for city in cities], "%"),
    )


def _figure(value: float, digits: int, unit: str = "") -> str:
    """`fixed`, with its unit; "" where there is no figure."""
    return "" if pd.isna(value) else f"{fixed(value, digits)}{unit}"


def _lengths(line: pd.Series, cities: Sequence[str]) -> str:
    """Components of the descriptor that are kept: one figure, or one by city tested on."""
    found = [f"{line[f'length_{city}']:.0f}" for city in cities]
    return found[0] if len(set(found)) == 1 else ", ".join(found)


def row_names(line: pd.Series) -> Iterator[Entry]:
    """Under ROW_NAMES, of `version` and `bits` of a line; the headings are not repeated."""
    recipe = recipe_of(line["version"])
    yield Entry("" if pd.isna(line["bits"]) else str(line["bits"]))
    yield Entry(recipe.coding if recipe else "")
    yield Entry(recipe.dial.removeprefix(f"{_DIAL} ") if recipe else "")


def _drops(
    line: pd.Series, queries: QuerySet, cities: Sequence[str], paper: Sequence[str], marks: str
) -> Iterator[Entry]:
    """Of each city and the mean, with intervals; a float32 model's own are 0 by definition."""
    for name, published in zip((*cities, MEAN), (*paper, ""), strict=True):
        drop = queries.drop_of(line, name)
        figure = fixed(drop.mean, 1)
        if line["version"] == BASE:
            yield Entry(figure, paper=published)
        elif name == MEAN:
            spread = spread_text(line[queries.drop(MEAN) + SPREAD])
            yield Entry(figure, interval(drop), published, marks, spread)
        else:
            yield Entry(figure, interval(drop), published)


def _scores(line: pd.Series, sets: Sequence[QuerySet], cities: Sequence[str]) -> Iterator[Entry]:
    for queries in sets:
        for city in cities:
            column = queries.key(f"map_{city}")
            yield Entry(fixed(line[column], 1), spread=spread_text(line[column + SPREAD]))


def _line(
    line: pd.Series,
    paper: pd.Series | None,
    sets: Sequence[QuerySet],
    cities: Sequence[str],
    several: bool,
    test_sets: Sequence[str],
) -> Line:
    """several: whether rows of the table are of several seeds."""

    def published(column: str, digits: int | None = None) -> str:
        if paper is None or column not in paper:
            return ""
        return f"{paper[column]:g}" if digits is None else fixed(paper[column], digits)

    none = NO_DROP if line["no_drop"] else ""
    # The paper asked the official queries, the first set; cells are judged by the last.
    beside = [[published(f"drop_{city}") for city in cities], *[[""] * len(cities)] * len(sets[1:])]
    marks = [*[""] * len(sets[1:]), none]
    drops = chain.from_iterable(
        _drops(line, queries, cities, *others)
        for queries, *others in zip(sets, beside, marks, strict=True)
    )
    visible = "" if line["version"] == BASE else fixed(line[sets[-1].key("visible_drop")], 1)
    return Line(
        (
            *row_names(line),
            *([Entry(line["seeds"])] if several else []),
            Entry(fixed(line["pruned_percent"], 1), paper=published("pruned_percent")),
            *drops,
            Entry(visible),
            Entry(_figure(line["paper_memory_mb"], 2), paper=published("memory_mb")),
            Entry(_figure(line["paper_ratio"], 1, "x"), paper=published("ratio", 1)),
            Entry(
                fixed(line["file_mb"], 2),
                marks="".join(mark for column, mark in MARKS.items() if line[column]),
            ),
            Entry(f"{fixed(line['ratio'], 1)}x", spread=spread_text(line[f"ratio{SPREAD}"])),
            Entry(fixed(line["projection_bytes_percent"], 0)),
            Entry(_lengths(line, cities)),
            *_scores(line, sets, cities),
            *test_set_entries(line, test_sets, line["version"] == BASE),
        )
    )


def _published(line: pd.Series, paper: pd.DataFrame) -> pd.Series | None:
    """The paper's row of this bit width and threshold, if it has one."""
    key = (line["model"], line["bits"], line["threshold"])
    return None if pd.isna(line["bits"]) or key not in paper.index else paper.loc[key]


def results_layout(
    table: pd.DataFrame,
    paper: pd.DataFrame,
    cities: Sequence[str],
    title: str,
    notes: Sequence[str],
    test_sets: Sequence[str] = (),
) -> Layout:
    """A block a model, rows by bits, quantizer and threshold, the paper's figures beside ours.

    The paper has one figure a bit width and threshold; it stands beside every row of those.

    Args:
        table: as `rows.read_table` gives it.
        paper: as `published.published_results` gives it.
        notes: sentences on data sets and models.
        test_sets: the roles of those beyond the two cities; their columns come last.
    """
    sets, blocks, several = query_sets(table.columns), [], of_several(table)
    for model, block in table.groupby("model", sort=False):
        rows = [row for _, row in block.iterrows()]
        beside = [_published(row, paper) for row in rows]
        blocks.append(
            Block(
                model,
                tuple(
                    _line(*pair, sets, cities, several, test_sets)
                    for pair in zip(rows, beside, strict=True)
                ),
            )
        )
    lines = [line for block in blocks for line in block.lines]
    used = {mark for line in lines for entry in line.entries for mark in entry.marks}
    return Layout(
        title,
        tuple(notes),
        (*_columns(sets, cities, several), *test_set_headings(table, test_sets)),
        tuple(blocks),
        tuple((mark, meaning) for mark, meaning in LEGEND if mark in used),
        (*_explanation(table, cities), *test_set_sentences(table, test_sets, cities)),
    )
