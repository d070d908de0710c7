"""Draw mAP against file size, and against the share of pruned weights."""

from pathlib import Path

from pocketvlad.figures.pruning import pruning_figure
from pocketvlad.figures.size import size_figure
from pocketvlad.figures.style import save_figure
from pocketvlad.job import logged
from pocketvlad.published import published_results
from pocketvlad.rows import read_table

with logged(snakemake.log[0]):
    table = read_table(snakemake.input.table)
    published = published_results(Path(snakemake.input.paper))
    cities = list(snakemake.params.cities)
    save_figure(size_figure(table, published, cities), snakemake.output.size)
    save_figure(pruning_figure(table, published, cities), snakemake.output.pruning)
