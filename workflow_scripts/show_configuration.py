"""Write what the study ran with as a page of the report."""

from pocketvlad.report.configuration_page import configuration_page, used_versions
from pocketvlad.report.rows import read_rows
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    versions = used_versions(read_rows([*snakemake.input.base, *snakemake.input.cells]))
    page = configuration_page(snakemake.params.settings, versions)
    write_text(snakemake.output[0], page)
