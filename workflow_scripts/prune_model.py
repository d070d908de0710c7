"""Prune a base model to one threshold: raise the cutoff in rounds, fine-tune the survivors."""

from pathlib import Path

import pandas as pd

from pocketvlad.checkpoint import Checkpoint, fingerprint
from pocketvlad.evaluation import sizing_of
from pocketvlad.iterative_pruning import PruningSettings, prune_iteratively
from pocketvlad.job import logged
from pocketvlad.model_file import read_model, write_model
from pocketvlad.prune import pruned_percent
from pocketvlad.seeds import derive_seed
from pocketvlad.training import TrainingSettings
from pocketvlad.training_city import ValidationSettings, load_training_images


def main(
    model_file: Path,
    dataset_file: Path,
    images: Path,
    output: Path,
    history_file: Path,
    checkpoint_file: Path,
    training: dict,
    validation: dict,
    pruning: dict,
    protocol: dict,
    threshold: str,
    cutoff: float,
    seed: int,
    split_seed: int,
) -> None:
    model = read_model(model_file)
    city = load_training_images(
        dataset_file,
        images,
        sizing_of(protocol),
        model.preprocessing,
        ValidationSettings(**validation),
        split_seed,
    )
    identity = [training, validation, pruning, protocol, threshold, cutoff, seed]
    checkpoint = Checkpoint(checkpoint_file, fingerprint(identity, [model_file, dataset_file]))
    history = prune_iteratively(
        model.network,
        city,
        TrainingSettings(**training),
        PruningSettings(**pruning),
        float(threshold),
        cutoff,
        seed,
        checkpoint,
    )
    print(f"{pruned_percent(model.network)['total']:.2f} % of the weights are zero")
    pd.DataFrame([record.as_dict() for record in history]).to_csv(history_file, index=False)
    write_model(output, model)
    checkpoint.delete()


with logged(snakemake.log[0]):
    main(
        Path(snakemake.input.model),
        Path(snakemake.input.dataset),
        Path(snakemake.input.images),
        Path(snakemake.output.model),
        Path(snakemake.output.history),
        Path(snakemake.params.checkpoint),
        snakemake.params.training,
        snakemake.params.validation,
        snakemake.params.pruning,
        snakemake.params.protocol,
        snakemake.wildcards.threshold,
        snakemake.params.cutoff,
        derive_seed(snakemake.params.seed),
        derive_seed(snakemake.params.split_seed),
    )
