"""The photographs of training steps, augmented."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from pocketvlad.data.augmentation import augmented_image
from pocketvlad.data.images import Box, to_batch
from pocketvlad.data.settings import Augmentation
from pocketvlad.training.training_city import TrainingImages
from pocketvlad.util.read_ahead import read_ahead


def augmented_batches(
    steps: Sequence[Sequence[tuple[str, Box | None]]],
    images: TrainingImages,
    augmentation: Augmentation,
    generator: np.random.Generator,
) -> Iterator[Tensor]:
    """The photographs of each step, or the boxes in them, preprocessed, [N, 3, S, S].

    Pictures are decoded in threads, a step ahead of use; each draws from a generator of its own,
    so that the result does not depend on which thread is faster.
    """

    def load(part: tuple[str, Box | None], own: np.random.Generator) -> np.ndarray:
        name, box = part
        return augmented_image(
            images.path(name),
            augmentation,
            images.sizing.interpolation,
            own,
            box,
            images.dataset.upright,
        )

    for pictures in read_ahead(steps, load, generator):
        yield to_batch(pictures, images.preprocessing)
