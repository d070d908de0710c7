"""Pack a city with a compressed model of the study, for a browser."""

from pathlib import Path

from pocketvlad.api.loading import load
from pocketvlad.api.packing import pack
from pocketvlad.data.dataset import read_dataset
from pocketvlad.data.landmarks import landmark_names
from pocketvlad.report.best_cells import packed_cell
from pocketvlad.report.city_note import model_facts
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    inputs, params = snakemake.input, snakemake.params
    files = dict(zip(params.cells, inputs.models, strict=True))
    table = read_table(inputs.table)
    cell = packed_cell(table[(table["model"] + " " + table["version"]).isin(files)])
    file = files[f"{cell['model']} {cell['version']}"]
    dataset = read_dataset(Path(inputs.dataset))
    made = pack(
        load(file, device=params.device),
        inputs.images,
        snakemake.output[0],
        labels=landmark_names(dataset),
        title=dataset.name,
        positions=next(iter(inputs.positions), None),
        facts=model_facts(cell, params.training_city),
    )
    print(f"{file}: {made.summary}")
