"""Write the card beside each compressed file."""

from pathlib import Path

from pocketvlad.report.model_card import card_facts, model_card
from pocketvlad.report.rows import read_rows, read_table
from pocketvlad.report.test_set_columns import by_test_set
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    files = snakemake.input
    table, by_seed = read_table(files.table), read_table(files.by_seed)
    template = Path(files.template).read_text(encoding="utf-8")
    settings, names = snakemake.params.settings, list(snakemake.params.test_sets)
    tested = by_test_set(read_rows(files.test_sets), names, list(settings["cities"]))
    for model, row, card in zip(files.models, read_rows(files.rows), snakemake.output, strict=True):
        facts = card_facts(Path(model), row, table, by_seed, settings, tested)
        write_text(card, model_card(template, facts))
    print(f"{len(snakemake.output)} cards")
