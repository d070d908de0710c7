"""Join the JSON rows of both directions into the study's table."""

from pathlib import Path

from pocketvlad.dataset import describe_counts
from pocketvlad.job import logged
from pocketvlad.markdown_table import markdown_table, published_results, starting_point
from pocketvlad.rows import baselines_table, read_rows, results_table

with logged(snakemake.log[0]):
    cities = list(snakemake.params.cities)
    base = read_rows(snakemake.input.base)
    histogram = read_rows(snakemake.input.histogram)
    table = results_table(base + read_rows(snakemake.input.cells), cities)
    table.to_csv(snakemake.output.table, index=False, float_format="%.6g")
    baselines = baselines_table(histogram + read_rows(snakemake.input.untrained) + base, cities)
    baselines.to_csv(snakemake.output.baselines, index=False, float_format="%.6g")
    datasets = {row["test_city"]: row["test_dataset"] for row in base}
    notes = [
        f"{city}: {datasets[city]['name']}, {describe_counts(datasets[city])}." for city in cities
    ]
    partial = any(d["images"] != d["expected_images"] for d in datasets.values())
    if partial:
        notes.append("Only a part of the data: not comparable with published mAP.")
    notes += sorted({starting_point(row) for row in base})
    paper = published_results(Path(snakemake.input.paper))
    Path(snakemake.output.markdown).write_text(
        markdown_table(table, paper, cities, notes), encoding="utf-8"
    )
