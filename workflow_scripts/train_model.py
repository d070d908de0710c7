"""Fine-tune a base model on its training city."""

from pathlib import Path

import pandas as pd

from pocketvlad.checkpoint import Checkpoint, fingerprint
from pocketvlad.evaluation import sizing_of
from pocketvlad.fine_tuning import fine_tune
from pocketvlad.job import logged
from pocketvlad.model_file import read_model, write_model
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
    protocol: dict,
    seed: int,
    split_seed: int,
) -> None:
    model = read_model(model_file)
    settings = TrainingSettings(**training)
    city = load_training_images(
        dataset_file,
        images,
        sizing_of(protocol),
        model.preprocessing,
        ValidationSettings(**validation),
        split_seed,
    )
    # The number of epochs is not part of the identity: a longer training goes on from a shorter.
    identity = {key: value for key, value in training.items() if key != "epochs"}
    checkpoint = Checkpoint(
        checkpoint_file,
        fingerprint([identity, validation, protocol, seed], [model_file, dataset_file]),
    )
    history = fine_tune(model.network, city, settings, seed, checkpoint, select=True)
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
        snakemake.params.protocol,
        derive_seed(snakemake.params.seed),
        derive_seed(snakemake.params.split_seed),
    )
