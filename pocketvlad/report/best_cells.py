"""The best cells of a study: the smallest files that keep the mAP."""

from dataclasses import dataclass

import pandas as pd

from pocketvlad.compression.recipe import Recipe
from pocketvlad.compression.recipes import BASE, recipe_of
from pocketvlad.report.score_columns import MEAN, OFFICIAL, judging
from pocketvlad.report.trainings import trainings

WITHIN = 2.0  # percentage points of mAP, the mean of both cities: the paper's other headline
ROLES = {
    "best_no_drop": "best at no drop",
    "best_2_points": f"best within {WITHIN:g} points",
}
"""Columns of the results table that mark a cell, and what they mean."""


def is_cell(table: pd.DataFrame) -> pd.Series:
    """Whether a line is a compressed model, not a base model."""
    return table["version"] != BASE


def _trainings(table: pd.DataFrame) -> pd.Series:
    """How many trainings each line rests on: one, where lines are not means over seeds."""
    if "seeds" not in table:
        return pd.Series(1, index=table.index)
    return table["seeds"].map(trainings)


def of_most_trainings(table: pd.DataFrame) -> pd.Series:
    """True for the cells that rest on as many trainings as any of their model's: a cell of one
    training may have been lucky with it, and would often be smaller than the best of several."""
    cells, counts = is_cell(table), _trainings(table)
    return cells & (counts == counts.where(cells).groupby(table["model"]).transform("max"))


def _smallest(table: pd.DataFrame, eligible: pd.Series) -> pd.Series:
    """True for the smallest eligible file of each model; of equal ones the first."""
    sizes = table.loc[eligible].groupby("model")["file_mb"]
    return table.index.to_series().isin(sizes.idxmin())


def mark_best(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with a boolean column for each of ROLES, true for at most one cell a model, of those
    that rest on the most trainings.

    Beside them, `official_` before the name, is what the official queries alone would choose.
    """
    cells = of_most_trainings(table)
    marks = {}
    for prefix, queries in (("", judging(table.columns)), ("official_", OFFICIAL)):
        within = table[queries.drop(MEAN)] <= WITHIN
        marks[f"{prefix}best_no_drop"] = _smallest(table, cells & table[f"{prefix}no_drop"])
        marks[f"{prefix}best_2_points"] = _smallest(table, cells & within)
    return table.assign(**marks)


@dataclass(frozen=True)
class Choice:
    """A cell (a line of the results table) and why it was chosen, in words."""

    cell: pd.Series
    why: str

    @property
    def version(self) -> str:
        """The part of a path that names the cell."""
        return self.cell["version"]

    @property
    def recipe(self) -> Recipe:
        """What made the cell."""
        return recipe_of(self.version)

    @property
    def text(self) -> str:
        """The cell in words."""
        return self.recipe.label


def packed_cell(table: pd.DataFrame) -> pd.Series:
    """The cell to use: the smallest at no drop of any model; where no model has one, the smallest
    within WITHIN points; else the one of the least drop.

    Args:
        table: as `mark_best` leaves it, with one cell at least.
    """
    for column in ROLES:
        if table[column].any():
            return table.loc[table.loc[table[column], "file_mb"].idxmin()]
    return table.loc[table.loc[is_cell(table), judging(table.columns).drop(MEAN)].idxmin()]


def _ranked(lines: pd.DataFrame) -> list[Choice]:
    """The cells of one model, those of ROLES first, then by rising size."""
    reasons: dict[int, str] = {}
    for column, role in ROLES.items():
        for index in lines.index[lines[column]]:
            reasons[index] = f"{reasons[index]} and {role}" if index in reasons else role
    by_size = lines["file_mb"].sort_values(kind="stable").index
    for place, index in enumerate(by_size):
        reasons.setdefault(index, "smallest file" if place == 0 else "next smallest file")
    return [Choice(lines.loc[index], why) for index, why in reasons.items()]


def chosen_cells(table: pd.DataFrame, model: str, count: int) -> list[Choice]:
    """Up to `count` different cells of a model: those of ROLES, then the smallest files.

    Args:
        table: as `mark_best` leaves it.
    """
    return _ranked(table[(table["model"] == model) & is_cell(table)])[:count]
