"""Write what the study ran with as a page of the report."""

from pocketvlad.report.configuration_page import configuration_page
from pocketvlad.report.rows import read_rows
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    [row, *_] = read_rows(snakemake.input.base)
    page = configuration_page(snakemake.params.settings, row["versions"])
    write_text(snakemake.output[0], page)
