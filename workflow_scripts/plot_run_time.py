"""Draw how long the study's jobs took and how much memory they had."""

from pathlib import Path

from pocketvlad.report.figures.run_time import run_time_figure
from pocketvlad.report.figures.style import save_figure
from pocketvlad.report.run_time import by_rule, read_benchmarks
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_csv

with logged(*snakemake.log):
    files = {rule: list(map(Path, paths)) for rule, paths in snakemake.params.files.items()}
    jobs = read_benchmarks(files)
    rules = by_rule(jobs, files)
    write_csv(snakemake.output.table, rules)
    title = f"Study {snakemake.params.study}: run time and memory, by rule"
    save_figure(run_time_figure(rules, jobs, title), snakemake.output.figure)
    print(rules.to_string(index=False))
