"""Write what each layer of a model costs."""

from pocketvlad.study.forked import hand_over

hand_over()

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.layer_table import network_costs
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    side = snakemake.params.image_size
    rows = network_costs(Architecture.of(snakemake.params.model), side, side)
    table = pd.DataFrame([asdict(row) for row in rows])
    total = table[["parameters", "weights", "multiply_adds"]].sum()
    table.loc[len(table)] = {"name": "total", "part": "", "shape": "", **total}
    table.to_csv(Path(snakemake.output[0]), index=False)
    print(table.to_string(index=False))
