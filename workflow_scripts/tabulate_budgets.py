"""Join the searches for targets, and the scores of what they found, into one table."""

import pandas as pd

from pocketvlad.compression.rd.budget import Trial
from pocketvlad.report.rows import read_rows
from pocketvlad.report.tables.budgets import budgets_markdown, budgets_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    cities, models = list(snakemake.params.cities), list(snakemake.params.models)
    searches = [(model, city) for model in models for city in cities]
    trials = {
        search: [Trial(**line) for line in pd.read_csv(path).to_dict("records")]
        for search, path in zip(searches, snakemake.input.trials, strict=True)
    }
    rows = read_rows([*snakemake.input.base, *snakemake.input.found])
    table = budgets_table(rows, trials, list(snakemake.params.targets), cities)
    write_csv(snakemake.output.table, table)
    title = f"Budgets of the study {snakemake.params.study}"
    text = budgets_markdown(table, cities, title)
    write_text(snakemake.output.markdown, text)
    print(text)
