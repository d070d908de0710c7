"""Draw mAP against size for one city."""

import pandas as pd

from pocketvlad.job import logged
from pocketvlad.size_plot import size_plot

with logged(snakemake.log[0]):
    table = pd.read_csv(
        snakemake.input.table, dtype={"threshold": str, "quantizer": str}, keep_default_na=False
    )
    figure = size_plot(table, snakemake.wildcards.city)
    for path in snakemake.output:
        # Without a date the same table gives the same bytes.
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.endswith("svg") else None)
