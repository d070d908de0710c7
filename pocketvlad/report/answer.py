"""The study's question answered: a few sentences and a short table, all of it from `table.csv`."""

from collections.abc import Sequence
from math import isinf

import pandas as pd

from pocketvlad.compression.recipes import BASE, recipe_of
from pocketvlad.report.basis import (
    of_several,
    of_unlike,
    query_sentence,
    training_sentences,
    with_seeds,
)
from pocketvlad.report.best_cells import ROLES, WITHIN, is_cell, of_most_trainings
from pocketvlad.report.recall_columns import recall_counts, recall_drop_column, recall_of
from pocketvlad.report.score_columns import (
    DENSE,
    MEAN,
    OFFICIAL,
    SPREAD,
    QuerySet,
    judging,
    query_sets,
)
from pocketvlad.report.tables.drops import drop_text
from pocketvlad.report.tables.fixed import fixed
from pocketvlad.report.test_set_columns import sets_of
from pocketvlad.scoring.bootstrap import MAX_DROP, Drop
from pocketvlad.util.size import float32_bytes

_LIMITS = {
    "best_no_drop": "With no drop in mAP",
    "best_2_points": f"Within {WITHIN:g} points of mAP",
}

_HEADINGS = {OFFICIAL: "drop", DENSE: "dense drop"}


def _float32_mb(line: pd.Series) -> float:
    return float32_bytes(int(line["parameters"])) / 1e6


def _words(line: pd.Series) -> str:
    return recipe_of(line["version"]).label


def _bound(drop: Drop) -> str:
    """The mean, and what the interval excludes."""
    found = f"mean drop {fixed(drop.mean, 1)}"
    if isinf(drop.largest):
        return f"{found}, and queries of one landmark exclude none"
    return f"{found}, no drop larger than {fixed(drop.largest, 1)} points"


def _clause(model: str, cells: pd.DataFrame, column: str, unlike: bool) -> str:
    """
    Args:
        cells: all of the model's; those of fewer trainings than others are no candidates.
        column: marks the best.
        unlike: whether lines rest on unlike trainings, so that the clause must say on which.
    """
    every, cells = len(cells), cells[of_most_trainings(cells)]
    queries, best = judging(cells.columns), cells[cells[column]]
    if best.empty:
        among = " of the most trainings" if len(cells) < every else ""
        return (
            f"no compressed file of {model}{among} qualifies ({len(cells)} tried; the smallest "
            f"mean drop is {fixed(cells[queries.drop(MEAN)].min(), 1)} points)"
        )
    line = best.iloc[0]
    by = f" (of {with_seeds(line['seeds'])})" if unlike else ""
    return (
        f"the smallest file of {model} is {line['ratio']:.1f} times smaller than its float32 "
        f"weights ({line['file_mb']:.2f} MB in place of {_float32_mb(line):.2f}: "
        f"{_words(line)}): {_bound(queries.drop_of(line, MEAN))}{by}"
    )


def answer_sentences(table: pd.DataFrame) -> list[str]:
    """One sentence per limit: each model's smallest file within it, or that there is none.

    Args:
        table: as `rows.results_tables` gives it first.
    """
    blocks = list(table[is_cell(table)].groupby("model", sort=False))
    sentences = []
    for column, opening in _LIMITS.items():
        clauses = (_clause(model, cells, column, of_unlike(table)) for model, cells in blocks)
        sentences.append(f"{opening}, {'; '.join(clauses)}.")
    return sentences


def basis_sentences(table: pd.DataFrame, cities: Sequence[str]) -> list[str]:
    """What the drops rest on: queries, landmarks, trainings and their seeds.

    Args:
        table: as `rows.results_tables` gives it first.
        cities: the two roles.
    """
    queries = judging(table.columns)
    return [query_sentence(table.iloc[0], queries, cities), *training_sentences(table)]


def _drop(line: pd.Series, queries: QuerySet) -> str:
    if line["version"] == BASE:
        return ""
    return drop_text(queries.drop_of(line, MEAN), line[queries.drop(MEAN) + SPREAD])


def _tested(line: pd.Series, name: str) -> tuple[str, str]:
    """The drop on a test set, by the queries that would judge cells there: heading and text."""
    bare = line["version"] == BASE
    if sets := sets_of(line.index, name):
        column = sets[-1].drop(name)
        text = "" if bare else drop_text(sets[-1].drop_of(line, name), line[column + SPREAD])
        return f"{_HEADINGS[sets[-1]]} {name}", text
    count = recall_counts(line.index, name)[0]
    text = "" if bare else drop_text(recall_of(line, recall_drop_column(count, name)))
    return f"drop of R@{count} {name}", text


def _short(
    line: pd.Series, version: str, cities: Sequence[str], several: bool, test_sets: Sequence[str]
) -> dict[str, str]:
    base = line["version"] == BASE
    seeds = {"seeds": line["seeds"]} if several else {}
    return {
        "model": line["model"],
        "version": version,
        **seeds,
        "MB": f"{_float32_mb(line) if base else line['file_mb']:.2f}",
        "ratio": "1x" if base else f"{line['ratio']:.1f}x",
        **{f"mAP {city}": f"{line[f'map_{city}']:.1f}" for city in cities},
        **{_HEADINGS[queries]: _drop(line, queries) for queries in query_sets(line.index)},
        **dict(_tested(line, name) for name in test_sets),
    }


def answer_table(
    table: pd.DataFrame, cities: Sequence[str], test_sets: Sequence[str] = ()
) -> pd.DataFrame:
    """Each model's float32 weights and its best cells, as texts for a reader.

    Args:
        table: as `rows.results_tables` gives it first.
        cities: the two roles.
        test_sets: the roles of those beyond them; their drops come last.
    """
    lines, several = [], of_several(table)
    for _, block in table.groupby("model", sort=False):
        base = block[~is_cell(block)]
        lines += [
            _short(line, "float32", cities, several, test_sets) for _, line in base.iterrows()
        ]
        for column, role in ROLES.items():
            lines += [
                _short(line, f"{role}: {_words(line)}", cities, several, test_sets)
                for _, line in block[block[column]].iterrows()
            ]
    return pd.DataFrame(lines)


def answer_text(table: pd.DataFrame, cities: Sequence[str], test_sets: Sequence[str] = ()) -> str:
    """Sentences, table and how to read it, as reStructuredText, which is plain enough as it is.

    Args:
        table: as `rows.results_tables` gives it first.
        cities: the two roles.
        test_sets: see `answer_table`.
    """
    short = answer_table(table, cities, test_sets).to_markdown(
        index=False, tablefmt="rst", disable_numparse=True
    )
    spread, others = "", ", and not for other trainings"
    if of_several(table):
        spread = "± its standard deviation over seeds where there are several, "
        others = " and, where a row has several seeds, for other trainings"
    fewer = (
        " They are among the cells of the most trainings; one of fewer may have been lucky."
        if of_unlike(table)
        else ""
    )
    reading = (
        "MB are 10^6 bytes of the file that was scored, ratios are of float32 bytes. A drop is "
        f"the mean of both cities, in percentage points of mAP, {spread}with its 95 % interval. "
        f"That allows for the landmarks that queries share{others}. *No drop* means that "
        f"the interval does not lie above 0 and the mean is at most {MAX_DROP:g}; *no drop larger "
        "than* has the interval's upper end. Dense queries, where there are any, judge the cells. "
        f"The best cells were chosen by the very scores that stand beside them.{fewer}"
    )
    if test_sets:
        reading += (
            f" Drops on test sets ({', '.join(test_sets)}) are those of models of both cities "
            "together. No cell was chosen by them."
        )
    sentences = [*answer_sentences(table), *basis_sentences(table, cities)]
    return f"{' '.join(sentences)}\n\n{short}\n\n{reading}\n"
