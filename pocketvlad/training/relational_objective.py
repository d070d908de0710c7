"""Photographs and their neighbours, at the distances that a teacher sees."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from pocketvlad.data.settings import Augmentation
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.augmented import augmented_batches
from pocketvlad.training.losses.distillation import Distillation
from pocketvlad.training.teacher import teacher_descriptors
from pocketvlad.training.training_city import TrainingImages
from pocketvlad.training.validation import validate
from pocketvlad.util.sampling import drawn

_DRAW = 3  # the seed of the photographs that the teacher describes: the same after a kill


def neighbour_batches(
    rows: np.ndarray, batches: int, groups: int, neighbours: int, generator: np.random.Generator
) -> list[list[int]]:
    """Batches of `groups` photographs, each followed by its nearest that are not there yet.

    Photographs that have nothing in common are at much the same distance; the nearest say more.

    Args:
        rows: [N, D] the teacher's descriptors, unit length.

    Returns:
        `batches` lists of different row numbers: groups x (1 + neighbours), or all N.
    """
    found = []
    for _ in range(batches):
        batch: list[int] = []
        for first in generator.permutation(len(rows)):
            if len(batch) >= groups * (1 + neighbours):
                break
            if first in batch:
                continue
            similarity = rows @ rows[first]
            similarity[[first, *batch]] = -np.inf
            nearest = np.argsort(-similarity, kind="stable")[:neighbours]
            batch += [int(first), *nearest[np.isfinite(similarity[nearest])].tolist()]
        found.append(batch)
    return found


class RelationalObjective:
    """Batches of neighbours, other ones every epoch. The teacher sees photographs whole."""

    unit = "batch"

    def __init__(
        self,
        images: TrainingImages,
        augmentation: Augmentation,
        loss: Distillation,
        models: Sequence[Model],
    ) -> None:
        """The teacher's descriptors are computed here, once, of what may be learnt from.

        Args:
            models: the teachers, as they are now.

        Raises:
            ImageError: a photograph is too small for one of them at the smallest scale.
        """
        self.images, self.augmentation, self.loss = images, augmentation, loss
        self.size = loss.batches
        split = images.split
        learnt = {*split.background, *(name for mark in split.training for name in mark.positives)}
        self.names = drawn(sorted(learnt), loss.photographs, np.random.default_rng(_DRAW))
        self.rows = teacher_descriptors(
            models, images.pictures(self.names), images.sizing, loss.scales, loss.mirrored
        )

    def losses(
        self, network: RetrievalNetwork, generator: np.random.Generator
    ) -> Iterator[tuple[int, Tensor]]:
        """See `training.Objective`."""
        loss = self.loss
        batches = neighbour_batches(
            self.rows, loss.batches, loss.groups, loss.neighbours, generator
        )
        steps = [[(self.names[number], None) for number in batch] for batch in batches]
        pictures = augmented_batches(steps, self.images, self.augmentation, generator)
        for batch, shown in zip(batches, pictures, strict=True):
            pupil = network(shown)
            teacher = torch.from_numpy(self.rows[batch]).to(pupil.device)
            yield 1, loss.of(pupil, teacher)

    def validate(self, network: RetrievalNetwork) -> float:
        """mAP of the held-out landmarks, see `training.Objective`."""
        return validate(network, self.images)
