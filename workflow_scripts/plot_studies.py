"""Draw mAP against file size, of this study's models and of other studies' on the same cities."""

from pocketvlad.report.figures.studies import studies_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    params, tables = snakemake.params, map(read_table, snakemake.input.tables)
    figure = studies_figure(dict(zip(params.studies, tables, strict=True)), list(params.cities))
    save_figure(figure, snakemake.output)
