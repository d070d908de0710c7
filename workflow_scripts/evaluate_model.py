"""Score one model file on the city that it was not trained on: one JSON row."""

import json
from pathlib import Path

from pocketvlad.compression.grid import parse_version
from pocketvlad.compression.prune import pruned_percent
from pocketvlad.data.dataset import read_dataset
from pocketvlad.format.stored import bytes_by_part
from pocketvlad.networks.device import computed_on, run_on
from pocketvlad.networks.model import read_model
from pocketvlad.networks.network import parameter_count
from pocketvlad.retrieval.evaluation import evaluate, versions
from pocketvlad.retrieval.scores import score_row
from pocketvlad.study.job import logged
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.size import float32_bytes, paper_megabytes


def main(
    model_file: Path,
    training_dataset_file: Path,
    dataset_file: Path,
    images: Path,
    output: Path,
    identity: dict,
    protocol: dict,
    compute: dict,
    batch_size: int,
) -> None:
    # The network that is scored is the one that the file decodes to.
    model = read_model(model_file)
    run_on(model.network, **compute)
    dataset, training = read_dataset(dataset_file), read_dataset(training_dataset_file)
    found = evaluate(
        model.network,
        dataset,
        images,
        protocol,
        model.preprocessing,
        batch_size,
        model.network.least_side,
    )
    parameters = parameter_count(model.network)
    pruned = pruned_percent(model.network)
    size = model_file.stat().st_size
    row = {
        **identity,
        "architecture": model.network.architecture.as_dict(),
        "weights": model.origin["weights"],
        "initialise": model.origin["initialise"],
        "preprocessing": model.preprocessing.as_dict(),
        "protocol": protocol,
        "train_dataset": training.identity(),
        "test_dataset": dataset.identity(),
        **score_row(found.scores, dataset.protocol),
        "top": found.top,
        "pruned_percent": pruned,
        "parameters": parameters,
        "file_bytes": size,
        "bytes_by_part": bytes_by_part(model_file),
        "ratio": float32_bytes(parameters) / size,
        "paper_memory_mb": paper_megabytes(parameters, pruned["total"], identity["bits"]),
        "computed_on": computed_on(model.network),
        "versions": versions(),
    }
    output.write_text(json.dumps(row, indent=1), encoding="utf-8")
    print(f"mAP {100 * row['map']:.2f} %, {size:,} bytes, ratio {row['ratio']:.2f}")


with logged(snakemake.log[0]):
    keep_freed_memory()
    wildcards = snakemake.wildcards
    main(
        Path(snakemake.input.model),
        Path(snakemake.input.training_dataset),
        Path(snakemake.input.dataset),
        Path(snakemake.input.images),
        Path(snakemake.output[0]),
        {
            "study": wildcards.study,
            "seed": snakemake.params.seed,
            "model": wildcards.model,
            "train_city": wildcards.city,
            "test_city": snakemake.params.test_city,
            "threshold_reading": snakemake.params.reading,
            **parse_version(wildcards.version),
        },
        snakemake.params.protocol,
        snakemake.params.compute,
        snakemake.params.batch_size,
    )
