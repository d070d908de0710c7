"""Join the JSON rows of both directions into the study's table, and write it for readers."""

from pathlib import Path

from pocketvlad.compression.recipes import BASE, STATES
from pocketvlad.report.published import published_results
from pocketvlad.report.rows import baselines_table, read_rows, read_table, results_tables
from pocketvlad.report.tables.html import html_fragment, html_page
from pocketvlad.report.tables.layout import results_layout
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.report.tables.notes import study_notes
from pocketvlad.report.tables.tex import tex_table
from pocketvlad.report.test_set_columns import by_test_set
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    cities, names = list(snakemake.params.cities), list(snakemake.params.test_sets)
    base = read_rows(snakemake.input.base)
    histogram = read_rows(snakemake.input.histogram)
    tested = read_rows(snakemake.input.test_sets)
    test_sets = by_test_set(tested, names, cities)
    tables = results_tables(base + read_rows(snakemake.input.cells), cities, test_sets)
    for table, path in zip(tables, (snakemake.output.table, snakemake.output.by_seed), strict=True):
        write_csv(path, table)
    states = [row for row in tested if row["version"] in STATES]
    before = histogram + read_rows(snakemake.input.untrained) + base + states
    baselines = baselines_table(before, cities, names)
    write_csv(snakemake.output.baselines, baselines)
    layout = results_layout(
        read_table(snakemake.output.table),  # rounded once, for all forms alike
        published_results(Path(snakemake.input.paper)),
        cities,
        f"Results of the study {snakemake.params.study}",
        study_notes(base + [row for row in tested if row["version"] == BASE], [*cities, *names]),
        names,
    )
    forms = {
        "markdown": markdown_table,
        "tex": tex_table,
        "html": html_page,
        "fragment": html_fragment,
    }
    for name, form in forms.items():
        write_text(snakemake.output[name], form(layout))
