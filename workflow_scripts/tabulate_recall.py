"""Join the Recall@N of all scores into one table."""

from pocketvlad.report.rows import read_rows
from pocketvlad.report.tables.recall import recall_markdown, recall_table, recall_values
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    cities = list(snakemake.params.cities)
    rows = read_rows([*snakemake.input.base, *snakemake.input.cells])
    table = recall_table(rows, cities)
    write_csv(snakemake.output.table, table)
    title = f"Recall@N of the study {snakemake.params.study}"
    text = recall_markdown(table, recall_values(rows), cities, title)
    write_text(snakemake.output.markdown, text)
