"""A study's training city, from the sections of its config."""

from collections.abc import Mapping
from pathlib import Path

from pocketvlad.data.images import Preprocessing
from pocketvlad.retrieval.evaluation import sizing_of
from pocketvlad.training.training_city import (
    TrainingImages,
    ValidationSettings,
    load_training_images,
)
from pocketvlad.util.seeds import derive_seed


def study_city(
    dataset: Path | str,
    images: Path | str,
    preprocessing: Preprocessing,
    *,
    protocol: Mapping[str, object],
    validation: Mapping[str, object],
    split_seed: str,
) -> TrainingImages:
    """
    Args:
        dataset: the city's index, dataset.json.
        images: the folder of its images.
        protocol, validation: the sections of these names.
        split_seed: what the landmarks that are held out are drawn by.
    """
    return load_training_images(
        Path(dataset),
        Path(images),
        sizing_of(protocol),
        preprocessing,
        ValidationSettings(**validation),
        derive_seed(split_seed),
    )
