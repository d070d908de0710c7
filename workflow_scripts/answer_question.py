"""Write the answer that the report opens with."""

from pathlib import Path

from pocketvlad.answer import answer_text
from pocketvlad.job import logged
from pocketvlad.rows import read_table

with logged(snakemake.log[0]):
    text = answer_text(read_table(snakemake.input.table), list(snakemake.params.cities))
    Path(snakemake.output[0]).write_text(text, encoding="utf-8")
    print(text)
