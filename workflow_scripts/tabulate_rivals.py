"""Join what the rivals' files weigh and score into one table and one figure."""

from pathlib import Path

from pocketvlad.report.figures.size import size_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.published import published_results
from pocketvlad.report.rows import of_seed, read_rows, read_table
from pocketvlad.report.tables.rivals import rivals_markdown, rivals_table, with_ours
from pocketvlad.report.test_set_columns import by_test_set
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv, write_text

with logged(*snakemake.log):
    cities, names = list(snakemake.params.cities), list(snakemake.params.test_sets)
    scores = read_rows([*snakemake.input.base, *snakemake.input.scores])
    table = of_seed(read_table(snakemake.input.by_seed), snakemake.params.seed)
    test_sets = by_test_set(read_rows(snakemake.input.test_sets), names, cities)
    measured = read_rows(snakemake.input.measured)
    rivals = with_ours(rivals_table(measured, scores, cities, test_sets), table)
    write_csv(snakemake.output.table, rivals)
    title = f"Rivals in the study {snakemake.params.study}"
    text = rivals_markdown(rivals, cities, title, names)
    write_text(snakemake.output.markdown, text)
    figure = size_figure(
        table,
        published_results(Path(snakemake.input.paper)),
        cities,
        rivals,
    )
    save_figure(figure, [snakemake.output.svg, snakemake.output.png])
