"""A loss of pairs, on batches of labelled landmarks."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pocketvlad.data.settings import Augmentation
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.augmented import augmented_batches
from pocketvlad.training.landmark_batches import landmark_batches, relations
from pocketvlad.training.pair_loss import PairLoss
from pocketvlad.training.training_city import TrainingImages
from pocketvlad.training.validation import validate


class PairObjective:
    """Batches of landmarks of the training city, other ones every epoch."""

    unit = "batch"

    def __init__(self, images: TrainingImages, augmentation: Augmentation, loss: PairLoss) -> None:
        self.images, self.augmentation, self.loss = images, augmentation, loss
        self.size = loss.batches

    def losses(
        self, network: RetrievalNetwork, generator: np.random.Generator
    ) -> Iterator[tuple[int, Tensor]]:
        """See `training.Objective`."""
        loss = self.loss
        batches = landmark_batches(
            self.images.split,
            batches=loss.batches,
            landmarks=loss.landmarks,
            views=loss.views,
            instances=loss.instances,
            generator=generator,
        )
        steps = [[(view.name, view.box) for view in batch] for batch in batches]
        pictures = augmented_batches(steps, self.images, self.augmentation, generator)
        for batch, shown in zip(batches, pictures, strict=True):
            rows = network(shown)
            same, different = (torch.from_numpy(each).to(rows.device) for each in relations(batch))
            yield 1, loss.of(rows, same, different)

    def validate(self, network: RetrievalNetwork) -> float:
        """mAP of the held-out landmarks, see `training.Objective`."""
        return validate(network, self.images)
