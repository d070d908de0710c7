"""Measure what a photograph costs by a base model, and what its compressed files cost to decode."""

import json
from pathlib import Path

from pocketvlad.retrieval.speed_process import measured_alone
from pocketvlad.study.job import logged
from pocketvlad.util.processor import processor
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    inputs, params, rows = snakemake.input, snakemake.params, []
    versions = list(zip(params.versions, inputs.models, strict=True))
    tasks = [
        {
            "model": model,
            "dataset": inputs.dataset,
            "images": inputs.images,
            "protocol": params.protocol,
            "extraction": version in params.describing,
        }
        for version, model in versions
    ]
    for (version, model), found in zip(versions, measured_alone(tasks), strict=True):
        row = {
            "model": snakemake.wildcards.model,
            "version": version,
            "seed": params.seed,
            "train_city": params.city,
            "test_city": params.test_city,
            "file_bytes": Path(model).stat().st_size,
            **found,
            "processor": processor(),
        }
        rows.append(row)
        print(f"{version}: decoded in {row['decode_ms']:.0f} ms, {row['peak_memory_mb']:.0f} MB")
    write_text(snakemake.output[0], json.dumps(rows, indent=1))
