"""Score the colour histogram on a city: the baseline without a network."""

import json
from pathlib import Path

from pocketvlad.baselines.color_histogram import IDENTITY, color_histogram
from pocketvlad.data.dataset import read_dataset
from pocketvlad.report.names import HISTOGRAM
from pocketvlad.retrieval.evaluation import evaluate
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.scoring.scored import headline
from pocketvlad.study.job import logged
from pocketvlad.util.settings import read_settings
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    dataset = read_dataset(Path(snakemake.input.dataset))
    found = evaluate(
        color_histogram,
        dataset,
        Path(snakemake.input.images),
        snakemake.params.protocol,
        IDENTITY,
        recall=read_settings(RecallSettings, snakemake.params.recall),
    )
    row = {
        "model": HISTOGRAM,
        "preprocessing": IDENTITY.as_dict(),
        "protocol": snakemake.params.protocol,
        "test_city": snakemake.wildcards.city,
        "test_dataset": dataset.identity(),
        **found.row(dataset),
    }
    write_text(snakemake.output[0], json.dumps(row, indent=1))
    print(headline(row))
