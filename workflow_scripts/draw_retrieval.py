"""Draw what a model and two compressed ones find for a query of each landmark, on either city."""

from pathlib import Path

import pandas as pd

from pocketvlad.data.dataset import read_dataset
from pocketvlad.report.best_cells import Choice, chosen_cells
from pocketvlad.report.figures.retrieval import Ranked, retrieval_sheet
from pocketvlad.report.retrieval_changes import (
    BROKEN,
    MARKED,
    MENDED,
    one_a_landmark,
    query_changes,
)
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged

COMPRESSED = 2


def draw_city(
    results: Path, model: str, city: str, trained_on: str, choices: list[Choice], output: Path
) -> pd.DataFrame:
    """Write the sheet of one city to `output`; what became of every query."""
    scores = results / "scores" / model / trained_on
    versions = ["base", *(choice.version for choice in choices)]
    names = ["base, float32", *(f"{choice.text}\n{choice.why}" for choice in choices)]
    ranked = [
        Ranked.read(scores / f"{version}.json", name)
        for version, name in zip(versions, names, strict=True)
    ]
    dataset = read_dataset(results / "data" / city / "dataset.json")
    base, *compressed = (each.precision for each in ranked)
    changes = query_changes(dataset.queries, base, compressed)
    counts = changes["outcome"].value_counts()
    title = (
        f"{model}, trained on {trained_on}, tested on {dataset.name}: of each landmark the query "
        f"that changed most\n{counts.get(BROKEN, 0)} of {len(changes)} queries broken (AP fell by "
        f"{MARKED:g} points or more), {counts.get(MENDED, 0)} mended (AP rose by as much)"
    )
    shown = one_a_landmark(changes)
    retrieval_sheet(
        dataset,
        results / "data" / city / "images",
        list(zip(shown["query"], shown["outcome"], strict=True)),
        ranked,
        title,
        output,
    )
    for number, each in enumerate(ranked):
        found = (" ".join(each.top[query]) for query in changes["query"])
        changes[f"top_{number or 'base'}"] = list(found)
    return changes.assign(**{f"cell_{n}": v for n, v in enumerate(versions) if n})


with logged(snakemake.log[0]):
    table = read_table(snakemake.input.table)
    results = Path(snakemake.input.table).parent
    model = snakemake.wildcards.model
    choices = chosen_cells(table, model, COMPRESSED)
    outputs = zip(snakemake.output.sheets, snakemake.output.tables, strict=True)
    for (city, trained_on), (sheet, text) in zip(
        snakemake.params.training_cities.items(), outputs, strict=True
    ):
        changes = draw_city(results, model, city, trained_on, choices, Path(sheet))
        changes.to_csv(text, index=False, float_format="%.6g")
        print(changes[["query", "change", "outcome"]].head(12).to_string(index=False))
