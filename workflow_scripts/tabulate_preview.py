"""Write the table of one model while the others are still being made."""

import tempfile
from pathlib import Path

from pocketvlad.report.rows import read_rows, results_tables
from pocketvlad.report.tables.narrow import narrow_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    params, output = snakemake.params, Path(snakemake.output[0])
    rows = read_rows([*snakemake.input.base, *snakemake.input.cells])
    table, _ = results_tables(rows, list(params.cities))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_csv(path, table)
        text = narrow_table(path, 80)
    title = f"Preview: {params.model} alone; the other models of {params.study} are to come."
    write_text(output, f"{title}\n\n{text}\n")
    print(f"{output}\n{title}\n\n{text}")
