"""Score one model file on the city that it was not trained on: one JSON row."""

import json
from pathlib import Path

from pocketvlad.data.dataset import read_dataset
from pocketvlad.report.model_row import model_row
from pocketvlad.retrieval.backend_choice import with_choice
from pocketvlad.scoring.scored import headline
from pocketvlad.study.job import logged
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    keep_freed_memory()
    params, wildcards = snakemake.params, snakemake.wildcards
    found = model_row(
        Path(snakemake.input.model),
        Path(snakemake.input.dataset),
        Path(snakemake.input.images),
        protocol=params.protocol,
        compute=with_choice(params.compute, snakemake.input.backend),
        batch_size=params.batch_size,
        paper_bits=params.paper_bits,
        recall=params.recall,
    )
    row = {
        "study": params.study,
        "seed": int(wildcards.seed),
        "model": wildcards.model,
        "train_city": wildcards.city,
        "test_city": params.test_city,
        "version": wildcards.version,
        **params.recipe,
        "threshold_mode": params.threshold_mode,
        "train_dataset": read_dataset(Path(snakemake.input.training_dataset)).identity(),
        **found,
    }
    write_text(snakemake.output[0], json.dumps(row, indent=1))
    size, ratio = row["file_bytes"], row["ratio"]
    print(f"{headline(row)}, {size:,} bytes, ratio {ratio:.2f}")
