"""What a model and some compressed ones find on a city: a sheet of pictures, and a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from pocketvlad.compression.recipes import BASE
from pocketvlad.data.dataset import Dataset
from pocketvlad.report.best_cells import Choice
from pocketvlad.report.figures.retrieval import Ranked, retrieval_sheet
from pocketvlad.report.retrieval_changes import (
    BROKEN,
    MARKED,
    MENDED,
    one_a_landmark,
    query_changes,
)

COMPRESSED = 2
"""Compressed models on a sheet."""


def draw_sheet(
    choices: Sequence[Choice],
    scores: Mapping[str, Path],
    dataset: Dataset,
    images: Path,
    title: str,
    output: Path,
) -> pd.DataFrame:
    """Write the sheet of one city to `output`; returns what became of every query.

    Args:
        choices: the compressed models.
        scores: by version the JSON rows of one direction.
        dataset, images: of the city that was tested on.
        title: of the sheet; what became of the queries is added.
    """
    versions = [choice.version for choice in choices]
    ranked = [
        Ranked.read(scores[BASE], "base, float32"),
        *(Ranked.read(scores[each.version], f"{each.text}\n{each.why}") for each in choices),
    ]
    base, *compressed = (each.precision for each in ranked)
    changes = query_changes(dataset.queries, base, compressed)
    counts = changes["outcome"].value_counts()
    shown = one_a_landmark(changes)
    retrieval_sheet(
        dataset,
        images,
        list(zip(shown["query"], shown["outcome"], strict=True)),
        ranked,
        f"{title}: of each landmark the query that changed most\n"
        f"{counts.get(BROKEN, 0)} of {len(changes)} queries broken (AP fell by {MARKED:g} points "
        f"or more), {counts.get(MENDED, 0)} mended (AP rose by as much)",
        output,
    )
    for number, each in enumerate(ranked):
        found = (" ".join(each.top[query]) for query in changes["query"])
        changes[f"top_{number or BASE}"] = list(found)
    return changes.assign(**{f"cell_{n}": each for n, each in enumerate(versions, start=1)})
