"""Unlabelled crops of a training city, for whatever needs no labels."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from pocketvlad.augmentation import Augmentation, augmented_image
from pocketvlad.images import to_batch
from pocketvlad.read_ahead import read_ahead
from pocketvlad.training_city import TrainingImages


@dataclass(frozen=True)
class CropSettings:
    """How many crops, and how they are cut and coloured (see `augmentation`)."""

    crops: int
    batch: int
    image_size: int
    crop: float
    colour: float


def crop_batches(
    images: TrainingImages, settings: CropSettings, generator: np.random.Generator
) -> Iterator[Tensor]:
    """Preprocessed crops [n, 3, S, S], every image once before any comes again.

    Pictures are decoded in threads, a batch ahead of use.
    """
    names = sorted(images.dataset.sizes)
    augmentation = Augmentation(settings.image_size, settings.crop, settings.colour)
    rounds = -(-settings.crops // len(names))
    order = np.concatenate([generator.permutation(len(names)) for _ in range(rounds)])
    chosen = [names[index] for index in order[: settings.crops]]

    def load(name: str, own: np.random.Generator) -> np.ndarray:
        return augmented_image(
            images.path(name),
            augmentation,
            images.sizing.interpolation,
            own,
            upright=images.dataset.upright,
        )

    size = settings.batch
    steps = [chosen[start : start + size] for start in range(0, len(chosen), size)]
    for pictures in read_ahead(steps, load, generator):
        yield to_batch(pictures, images.preprocessing)
