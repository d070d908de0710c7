"""Join what models cost in time and memory into one table."""

from pocketvlad.study.forked import hand_over

hand_over()

from itertools import chain
from pathlib import Path

from pocketvlad.report.rows import read_rows
from pocketvlad.report.tables.html import html_fragment
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.report.tables.speed import speed_layout, speed_table
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    table = speed_table(chain.from_iterable(read_rows(snakemake.input.rows)))
    table.to_csv(snakemake.output.table, index=False, float_format="%.6g")
    layout = speed_layout(table, snakemake.params.study)
    text = markdown_table(layout)
    Path(snakemake.output.markdown).write_text(text, encoding="utf-8")
    Path(snakemake.output.fragment).write_text(html_fragment(layout, "speed"), encoding="utf-8")
    print(text)
