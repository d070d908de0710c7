"""What every job that trains takes from the workflow: its city, its seed, its checkpoint."""

import csv
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pocketvlad.data.images import Preprocessing
from pocketvlad.retrieval.evaluation import sizing_of
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
from pocketvlad.training.fine_tuning import EpochRecord
from pocketvlad.training.training_city import (
    TrainingImages,
    ValidationSettings,
    load_training_images,
)
from pocketvlad.util.seeds import derive_seed


def job_city(job: Any, preprocessing: Preprocessing) -> TrainingImages:
    """The training city of a rule with inputs `dataset` and `images`.

    Args:
        job: the object `snakemake` of a script; its params have `protocol`, `validation` and
            `split_seed`.
    """
    return load_training_images(
        Path(job.input.dataset),
        Path(job.input.images),
        sizing_of(job.params.protocol),
        preprocessing,
        ValidationSettings(**job.params.validation),
        derive_seed(job.params.split_seed),
    )


def job_checkpoint(job: Any, *identity: object) -> Checkpoint:
    """The checkpoint at `params.checkpoint`, good for this job alone.

    Args:
        identity: settings that the job's result depends on, beside its input files, `validation`,
            `protocol` and `seed`.
    """
    params = job.params
    common = [params.validation, params.protocol, params.seed]
    files = [Path(path) for path in (job.input.model, job.input.dataset)]
    return Checkpoint(Path(params.checkpoint), fingerprint([*identity, *common], files))


def write_history(path: str | Path, history: list[EpochRecord]) -> None:
    """The epochs of a training as CSV."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(EpochRecord)])
        writer.writeheader()
        writer.writerows(map(asdict, history))
