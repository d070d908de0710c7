"""The paper's objective: triplets of query crops, positives and mined negatives."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.retrieval.describe import describe
from pocketvlad.training.augmented import augmented_batches
from pocketvlad.training.mining import TrainingTuple, mine_tuples, step_triplets
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.training.training_city import TrainingImages
from pocketvlad.training.triplet import triplet_loss
from pocketvlad.training.validation import validate
from pocketvlad.util.sampling import drawn


def epoch_tuples(
    network: RetrievalNetwork,
    images: TrainingImages,
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> list[TrainingTuple]:
    """Describe this epoch's candidates with the network as it is, and mine tuples among them."""
    background = drawn(images.split.background, settings.pool, generator)
    training = images.split.training
    share = max(2, settings.pool // len(training))
    positives = {
        name
        for landmark in training
        for name in (
            *drawn(landmark.positives, share, generator),
            *(image for image, _ in landmark.queries),
        )
    }
    names = sorted(positives.union(background))
    network.eval()
    descriptors = describe(
        network, images.pictures(names), images.sizing, images.preprocessing, label="mining"
    )
    return mine_tuples(
        training,
        background,
        names,
        descriptors,
        count=settings.tuples,
        negatives=settings.negatives,
        negative_candidates=settings.negative_candidates,
        nearest_positives=settings.nearest_positives,
        instance_share=settings.instance_share,
        generator=generator,
    )


def tuple_batches(
    tuples: Sequence[TrainingTuple],
    images: TrainingImages,
    settings: TrainingSettings,
    generator: np.random.Generator,
) -> Iterator[tuple[Sequence[TrainingTuple], Tensor]]:
    """The tuples of each step and their images, see `augmented_batches`."""
    size = settings.tuples_per_step
    steps = [tuples[start : start + size] for start in range(0, len(tuples), size)]
    parts = [
        [
            (name, each.box if place == 0 else None)
            for each in step
            for place, name in enumerate(each.images)
        ]
        for step in steps
    ]
    return zip(steps, augmented_batches(parts, images, settings, generator), strict=True)


class TripletObjective:
    """Tuples mined anew every epoch; the loss is that of all triplets a step's images make."""

    unit = "tuple"

    def __init__(
        self, images: TrainingImages, settings: TrainingSettings, tuples: int | None = None
    ) -> None:
        """`tuples`: another number an epoch than that of `settings`."""
        self.images = images
        self.settings = settings if tuples is None else replace(settings, tuples=tuples)
        self.size = self.settings.tuples

    def losses(
        self, network: RetrievalNetwork, generator: np.random.Generator
    ) -> Iterator[tuple[int, Tensor]]:
        """See `training.Objective`."""
        tuples = epoch_tuples(network, self.images, self.settings, generator)
        marks = self.images.split.training
        labelled = frozenset(name for mark in marks for name in mark.positives)
        for step, batch in tuple_batches(tuples, self.images, self.settings, generator):
            triplets = torch.from_numpy(step_triplets(step, labelled))
            yield len(step), triplet_loss(network(batch), triplets, self.settings.margin)

    def validate(self, network: RetrievalNetwork) -> float:
        """mAP of the held-out landmarks, see `training.Objective`."""
        return validate(network, self.images)
