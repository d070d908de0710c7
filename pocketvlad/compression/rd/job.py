"""What every job that rounds takes from the workflow."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pocketvlad.compression.objectives import compression_crops
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import Model, read_model
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.seeds import derive_seed


def job_base(job: Any) -> Model:
    """The base model of a rule with the input `model`, where the param `compute` puts it."""
    base = read_model(Path(job.input.model))
    run_on(base.network, **job.params.compute)
    return base


def job_calibration(job: Any, base: Model, source: CropSource) -> Calibration:
    """How a rule rounds.

    Args:
        job: the object `snakemake` of a script; its params have `rounding`, `recovery`,
            `training`, `small` and `seed`.
    """
    params = job.params
    rounding = dict(params.rounding)
    crops = compression_crops(params.recovery, TrainingSettings(**params.training))
    crops = replace(crops, image_size=rounding.pop("image_size"))
    settings = RoundingSettings(**rounding)
    return Calibration(base, source, crops, settings, params.small, derive_seed(params.seed))
