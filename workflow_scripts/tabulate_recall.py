"""Join the Recall@N of all scores into one table."""

from pocketvlad.study.forked import hand_over

hand_over()

from pathlib import Path

from pocketvlad.report.rows import read_rows
from pocketvlad.report.tables.recall import recall_markdown, recall_table, recall_values
from pocketvlad.study.job import logged

with logged(*snakemake.log):
    cities = list(snakemake.params.cities)
    rows = read_rows([*snakemake.input.base, *snakemake.input.cells])
    table = recall_table(rows, cities)
    table.to_csv(snakemake.output.table, index=False, float_format="%.6g")
    title = f"Recall@N of the study {snakemake.params.study}"
    text = recall_markdown(table, recall_values(rows), cities, title)
    Path(snakemake.output.markdown).write_text(text, encoding="utf-8")
