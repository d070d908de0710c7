"""Draw what compression does to a model's layers: their weights, and their bytes."""

from pathlib import Path

import pandas as pd

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.inspection import layer_reports
from pocketvlad.report.best_cells import chosen_cells
from pocketvlad.report.figures.layer_bytes import layer_bytes_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.figures.weights import weights_figure
from pocketvlad.report.layer_bytes import layer_bytes
from pocketvlad.report.rows import read_table
from pocketvlad.report.weight_stages import (
    chosen_layers,
    illustrated_cell,
    stage_titles,
    weight_stages,
)
from pocketvlad.study.job import logged


def plot_bytes(table: pd.DataFrame, model: str, folder: Path, cities: list[str], output) -> None:
    choice = chosen_cells(table, model, 1)[0]
    directions = []
    for city in cities:
        base, file = (
            folder / city / name for name in ("base.safetensors", f"{choice.version}.pvlad")
        )
        with open_compressed(file) as compressed:
            reports = layer_reports(compressed)
        directions.append((reports, file.stat().st_size, base.stat().st_size))
    by_layer = layer_bytes(directions)
    by_layer.to_csv(output.bytes_csv, index=False, float_format="%.6g")
    title = f"{model}: where the bytes go, mean of both directions"
    save_figure(layer_bytes_figure(by_layer, title, f"{choice.text} ({choice.why})"), output.bytes)


def plot_weights(
    table: pd.DataFrame, model: str, folder: Path, beginnings: list[str], output
) -> None:
    """`folder`: with the models of one training city."""
    choice, penalty = illustrated_cell(table, model)
    pruned = pd.read_csv(folder / Path(choice.version).parent / "weights.csv")
    penalised = None
    if penalty:
        threshold = choice.cell["threshold"]
        penalised = pd.read_csv(folder / threshold / f"l1-{penalty}" / "weights.csv")
    with open_compressed(folder / f"{choice.version}.pvlad") as compressed:
        labels = {layer.name: layer.label for layer in compressed.layers}
        weights = {name: label for name, label in labels.items() if label.role.compressed}
        layers = chosen_layers(weights, beginnings)
        quantized = ((layer.name, held) for layer, held in compressed)
        stages = weight_stages(pruned, penalised, quantized, layers)
    stages.to_csv(output.weights_csv, index=False, float_format="%.6g")
    title = f"{model}, trained on {folder.name}: weights that are not zero; {choice.text}"
    save_figure(weights_figure(stages, stage_titles(choice, penalty), title), output.weights)


with logged(snakemake.log[0]):
    table = read_table(snakemake.input.table)
    cities = list(snakemake.params.cities)
    model = snakemake.wildcards.model
    folder = Path(snakemake.input.table).parent / "models" / model
    plot_bytes(table, model, folder, cities, snakemake.output)
    plot_weights(table, model, folder / cities[0], list(snakemake.params.layers), snakemake.output)
