"""The training city of a job, from what its rule names."""

from typing import Protocol

from pocketvlad.data.images import Preprocessing
from pocketvlad.training.sections import study_city
from pocketvlad.training.training_city import TrainingImages


class CityJob(Protocol):
    """A job whose rule has the inputs `dataset` (the index) and `images` (its folder), and the
    parameters `protocol`, `validation` (the config's sections) and `split_seed`."""

    input: object
    params: object


def training_city(job: CityJob, preprocessing: Preprocessing) -> TrainingImages:
    """The city of `job`, its landmarks split into those that are trained on and those held out.

    Args:
        preprocessing: that of the weights that will see the images.
    """
    return study_city(
        job.input.dataset,
        job.input.images,
        preprocessing,
        protocol=job.params.protocol,
        validation=job.params.validation,
        split_seed=job.params.split_seed,
    )
