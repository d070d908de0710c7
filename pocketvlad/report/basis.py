"""What figures rest on, in words: queries, landmarks, trainings and their seeds."""

from collections.abc import Sequence

import pandas as pd

from pocketvlad.report.best_cells import is_cell
from pocketvlad.report.score_columns import DENSE, OFFICIAL, QuerySet
from pocketvlad.report.trainings import trainings
from pocketvlad.util.counted import counted


def of_several(table: pd.DataFrame) -> bool:
    """Whether a line of the results table is the mean of several trainings."""
    return any(trainings(seeds) > 1 for seeds in table["seeds"])


def of_unlike(table: pd.DataFrame) -> bool:
    """Whether lines of the results table rest on unlike numbers of trainings, or other seeds."""
    return table["seeds"].nunique() > 1


def with_seeds(seeds: str) -> str:
    """
    >>> with_seeds("7"), with_seeds("1 2 3")
    ('one training with seed 7', '3 trainings with seeds 1, 2, 3')
    """
    number = trainings(seeds)
    if number == 1:
        return f"one training with seed {seeds}"
    return f"{number} trainings with seeds {', '.join(seeds.split())}"


def _counted(lines: pd.DataFrame) -> str:
    cells = int(is_cell(lines).sum())
    found = {"base model": len(lines) - cells, "cell": cells}
    return " and ".join(counted(n, name) for name, n in found.items() if n)


def _all_trainings(table: pd.DataFrame) -> str:
    """Of a model and city; which lines rest on which, where they differ."""
    if not of_unlike(table):
        return with_seeds(table["seeds"].iloc[0])
    groups = sorted(table.groupby("seeds", sort=False), key=lambda each: -trainings(each[0]))
    return ", or on ".join(f"{with_seeds(seeds)} ({_counted(lines)})" for seeds, lines in groups)


def training_sentences(table: pd.DataFrame) -> list[str]:
    """The trainings that the drops of the results table rest on."""
    rest = f"They rest, for each model and city, on {_all_trainings(table)}."
    means = (
        "A figure is the mean over the trainings of its row, a drop that below the base models of "
        "the same seeds."
    )
    return [rest, means] if of_several(table) else [rest]


def _queries(line: pd.Series, queries: QuerySet, cities: Sequence[str]) -> str:
    return " and ".join(
        f"{line[queries.key(f'queries_{city}')]} of {city} "
        f"({counted(line[queries.key(f'landmarks_{city}')], 'landmark')})"
        for city in cities
    )


def query_sentence(line: pd.Series, queries: QuerySet, cities: Sequence[str]) -> str:
    """The queries that drops of a line of the results table rest on.

    Args:
        cities: the two roles.
    """
    kind = (
        "every labelled photograph asks for the others of its landmark"
        if queries == DENSE
        else "the official ones"
    )
    return f"These drops rest on queries, {_queries(line, queries, cities)}: {kind}."


def all_queries(line: pd.Series, sets: Sequence[QuerySet], cities: Sequence[str]) -> str:
    """The queries of each set that a line of the results table rests on, in one sentence."""
    names = {OFFICIAL: "official queries", DENSE: "dense queries"}
    counts = "; ".join(f"{names[queries]}: {_queries(line, queries, cities)}" for queries in sets)
    return f"{counts[0].upper()}{counts[1:]}."


def figure_note(table: pd.DataFrame, sets: Sequence[QuerySet], cities: Sequence[str]) -> str:
    """What a figure of the results table rests on.

    Args:
        sets: those that it shows.
    """
    sentences = [f"Of each model and city, points rest on {_all_trainings(table)}."]
    if of_unlike(table):
        sentences.append("A cell stands where its own drop puts it below the base models' mean.")
    return " ".join([*sentences, all_queries(table.iloc[0], sets, cities)])
