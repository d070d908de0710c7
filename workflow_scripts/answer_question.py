"""Write the answer that the report opens with."""

from pocketvlad.report.answer import answer_text
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_text

with logged(snakemake.log[0]):
    text = answer_text(read_table(snakemake.input.table), list(snakemake.params.cities))
    write_text(snakemake.output[0], text)
    print(text)
