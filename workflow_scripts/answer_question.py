"""Write the answer that the report opens with."""

from pocketvlad.report.answer import answer_text
from pocketvlad.report.rows import read_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    params = snakemake.params
    table = read_table(snakemake.input.table)
    text = answer_text(table, list(params.cities), list(params.test_sets))
    write_text(snakemake.output[0], text)
    print(text)
