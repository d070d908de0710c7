"""Join what models and maps weigh and find into one table and one figure."""

from itertools import chain

from pocketvlad.report.figures.maps import maps_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.rows import read_rows
from pocketvlad.report.tables.html import html_fragment, html_page
from pocketvlad.report.tables.maps import coded_test_sets, maps_layout, maps_table
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    cities, places = list(snakemake.params.cities), list(snakemake.params.places)
    rows = list(chain.from_iterable(read_rows(snakemake.input.rows)))
    names = list(snakemake.params.test_sets)
    tested = chain.from_iterable(read_rows(snakemake.input.test_sets))
    table = maps_table(rows, cities, places, coded_test_sets(tested, names, cities))
    write_csv(snakemake.output.table, table)
    layout = maps_layout(table, cities, f"Maps of the study {snakemake.params.study}", names)
    for name, form in {"markdown": markdown_table, "html": html_page}.items():
        write_text(snakemake.output[name], form(layout))
    write_text(snakemake.output.fragment, html_fragment(layout, "map"))
    save_figure(maps_figure(table, cities, places), snakemake.output.figure)
    print(markdown_table(layout))
