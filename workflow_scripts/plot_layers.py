"""Draw what compression does to a model's layers: their weights, and their bytes."""

from itertools import product
from pathlib import Path

from pocketvlad.report.best_cells import chosen_cells
from pocketvlad.report.figures.layer_bytes import layer_bytes_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.figures.weights import weights_figure
from pocketvlad.report.layer_bytes import layer_bytes_of_files
from pocketvlad.report.rows import read_table
from pocketvlad.report.weight_stages import illustrated_cell, stage_titles, stages_of_files
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv

with logged(*snakemake.log):
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    table, model = read_table(files.table), snakemake.wildcards.model
    cities = list(params.cities)
    base = dict(zip(cities, map(Path, files.base), strict=True))
    pruned = dict(zip(params.prunings, map(Path, files.weights), strict=True))
    of = product(cities, params.versions)
    compressed = dict(zip(of, map(Path, files.compressed), strict=True))

    choice = chosen_cells(table, model, 1)[0]
    by_layer = layer_bytes_of_files(
        (compressed[city, choice.version], base[city]) for city in cities
    )
    write_csv(output.bytes_csv, by_layer)
    title = f"{model}, seed {params.seed}: where the bytes go, mean of both directions"
    save_figure(layer_bytes_figure(by_layer, title, f"{choice.text} ({choice.why})"), output.bytes)

    if pruned:
        choice, penalised = illustrated_cell(table, model)
        stages = stages_of_files(
            pruned[choice.recipe.pruning],
            pruned[penalised.pruning] if penalised else None,
            compressed[cities[0], choice.version],
            list(params.layers),
        )
        write_csv(output.weights_csv, stages)
        made = f"{model}, training city {cities[0]}, seed {params.seed}"
        title = f"{made}: weights that are not zero; {choice.text}"
        figure = weights_figure(stages, stage_titles(choice, penalised), title)
        save_figure(figure, output.weights)
