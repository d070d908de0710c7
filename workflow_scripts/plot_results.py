"""Draw mAP against file size, and against the share of pruned weights."""

from pathlib import Path

from pocketvlad.report.figures.pruning import pruning_figure
from pocketvlad.report.figures.size import size_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.published import published_results
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    table = read_table(snakemake.input.table)
    published = published_results(Path(snakemake.input.paper))
    cities = list(snakemake.params.cities)
    save_figure(size_figure(table, published, cities), snakemake.output.size)
    save_figure(pruning_figure(table, published, cities), snakemake.output.pruning)
