"""Draw what a model and two compressed ones find for a query of each landmark, on either city."""

from itertools import product
from pathlib import Path

from pocketvlad.data.dataset import read_dataset
from pocketvlad.report.best_cells import chosen_cells
from pocketvlad.report.retrieval_sheets import COMPRESSED, draw_sheet
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv

with logged(*snakemake.log):
    files, params, model = snakemake.input, snakemake.params, snakemake.wildcards.model
    of = product(params.training_cities, params.versions)
    scores = dict(zip(of, map(Path, files.scores), strict=True))
    choices = chosen_cells(read_table(files.table), model, COMPRESSED)
    drawn = zip(
        params.training_cities,
        files.datasets,
        files.images,
        snakemake.output.sheets,
        snakemake.output.tables,
        strict=True,
    )
    for trained_on, index, images, sheet, table in drawn:
        dataset = read_dataset(Path(index))
        changes = draw_sheet(
            choices,
            {version: scores[trained_on, version] for version in params.versions},
            dataset,
            Path(images),
            f"{model}, training city {trained_on}, seed {params.seed}, tested on {dataset.name}",
            Path(sheet),
        )
        write_csv(table, changes)
        print(changes[["query", "change", "outcome"]].head(12).to_string(index=False))
