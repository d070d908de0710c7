"""Join the JSON rows of both directions into the study's table, and write it for readers."""

from pathlib import Path

from pocketvlad.report.published import published_results
from pocketvlad.report.rows import baselines_table, read_rows, read_table, results_tables
from pocketvlad.report.tables.html import html_fragment, html_page
from pocketvlad.report.tables.layout import results_layout
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.report.tables.notes import study_notes
from pocketvlad.report.tables.tex import tex_table
from pocketvlad.study.job import logged

with logged(snakemake.log[0]):
    cities = list(snakemake.params.cities)
    base = read_rows(snakemake.input.base)
    histogram = read_rows(snakemake.input.histogram)
    tables = results_tables(base + read_rows(snakemake.input.cells), cities)
    for table, path in zip(tables, (snakemake.output.table, snakemake.output.by_seed), strict=True):
        table.to_csv(path, index=False, float_format="%.6g")
    baselines = baselines_table(histogram + read_rows(snakemake.input.untrained) + base, cities)
    baselines.to_csv(snakemake.output.baselines, index=False, float_format="%.6g")
    layout = results_layout(
        read_table(snakemake.output.table),  # rounded once, for all forms alike
        published_results(Path(snakemake.input.paper)),
        cities,
        f"Results of the study {snakemake.params.study}",
        study_notes(base, cities),
    )
    forms = {
        "markdown": markdown_table,
        "tex": tex_table,
        "html": html_page,
        "fragment": html_fragment,
    }
    for name, form in forms.items():
        Path(snakemake.output[name]).write_text(form(layout), encoding="utf-8")
