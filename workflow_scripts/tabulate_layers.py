"""Write what each layer of a model costs."""

from dataclasses import asdict

import pandas as pd

from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.layer_table import network_costs
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv

with logged(*snakemake.log):
    side = snakemake.params.image_size
    rows = network_costs(Architecture.of(snakemake.params.model), side, side)
    table = pd.DataFrame([asdict(row) for row in rows])
    total = table[["parameters", "weights", "multiply_adds"]].sum()
    table.loc[len(table)] = {"name": "total", "part": "", "shape": "", **total}
    write_csv(snakemake.output[0], table, float_format=None)
    print(table.to_string(index=False))
