"""Join what models cost in time and memory into one table."""

from itertools import chain

from pocketvlad.report.rows import read_rows
from pocketvlad.report.tables.html import html_fragment
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.report.tables.speed import speed_layout, speed_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    table = speed_table(chain.from_iterable(read_rows(snakemake.input.rows)))
    write_csv(snakemake.output.table, table)
    layout = speed_layout(table, snakemake.params.study)
    text = markdown_table(layout)
    write_text(snakemake.output.markdown, text)
    write_text(snakemake.output.fragment, html_fragment(layout, "speed"))
    print(text)
