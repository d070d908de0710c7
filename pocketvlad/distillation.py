"""The float32 model's own descriptors as the objective (Hinton et al., arXiv:1503.02531, 2015).

Labelled triplets of a few landmarks say little about a photograph; the uncompressed model's
descriptor of it says everything that compression must keep, and needs no label.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pocketvlad.augmentation import Augmentation, augmented_image
from pocketvlad.images import to_batch
from pocketvlad.model import PlaceNet
from pocketvlad.training_city import TrainingImages


@dataclass(frozen=True)
class DistillationSettings:
    """How crops are drawn; the config's keys of the same names explain each."""

    crops: int  # an epoch
    crops_per_step: int
    image_size: int
    crop: float
    colour: float


def descriptor_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared Euclidean distance between descriptors [N, D] of the same N images.

    Of unit vectors it is 2 - 2 cos: 0 where the ranking cannot change, 2 where nothing is left.
    """
    return (student - teacher).square().sum(dim=1).mean()


class DistillationObjective:
    """Crops of the training city, all of its images, described as the teacher describes them."""

    unit = "crop"

    def __init__(
        self, images: TrainingImages, settings: DistillationSettings, teacher: PlaceNet
    ) -> None:
        self.images, self.settings, self.teacher = images, settings, teacher.eval()
        self.size = settings.crops

    def losses(
        self, network: PlaceNet, generator: np.random.Generator
    ) -> Iterator[tuple[int, Tensor]]:
        """See `training.Objective`."""
        for batch in self._batches(generator):
            with torch.inference_mode():
                target = self.teacher(batch)
            yield len(batch), descriptor_distance(network(batch), target.clone())

    def _batches(self, generator: np.random.Generator) -> Iterator[Tensor]:
        """Preprocessed crops [n, 3, S, S], every image once before any comes again."""
        settings, names = self.settings, sorted(self.images.dataset.sizes)
        augmentation = Augmentation(settings.image_size, settings.crop, settings.colour)
        rounds = -(-settings.crops // len(names))
        order = np.concatenate([generator.permutation(len(names)) for _ in range(rounds)])
        chosen = [names[index] for index in order[: settings.crops]]

        def load(name: str, own: np.random.Generator) -> np.ndarray:
            path = self.images.path(name)
            return augmented_image(path, augmentation, self.images.sizing.interpolation, own)

        draws = list(zip(chosen, generator.spawn(len(chosen)), strict=True))
        size = settings.crops_per_step
        steps = [draws[start : start + size] for start in range(0, len(draws), size)]
        with ThreadPoolExecutor(max_workers=2) as pool:
            ahead = [pool.submit(load, *draw) for draw in steps[0]]
            for following in [*steps[1:], []]:
                current, ahead = ahead, [pool.submit(load, *draw) for draw in following]
                pictures = [future.result() for future in current]
                yield to_batch(pictures, self.images.preprocessing)
