"""The float32 model's own descriptors as the objective (Hinton et al., arXiv:1503.02531, 2015).

Labelled triplets of a few landmarks say little about a photograph. The uncompressed model's
descriptor of it says all that compression must keep, and needs no label.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pocketvlad.data.city_crops import CropSource, crop_batches
from pocketvlad.data.settings import CropSettings
from pocketvlad.networks.network import RetrievalNetwork

_VALIDATION_SHARE = 0.5  # of the crops of an epoch
_VALIDATION_SEED = 2  # no epoch has it: their seeds are pairs


def descriptor_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared Euclidean distance between descriptors [N, D] of the same N images.

    Of unit vectors it is 2 - 2 cos: 0 for equal descriptors, 2 for orthogonal ones.
    """
    return (student - teacher).square().sum(dim=1).mean()


class DistillationObjective:
    """Crops of photographs, described as the teacher describes them."""

    unit = "crop"

    def __init__(
        self, source: CropSource, settings: CropSettings, teacher: RetrievalNetwork
    ) -> None:
        self.source, self.settings, self.teacher = source, settings, teacher.eval()
        self.size = settings.crops

    def losses(
        self, network: RetrievalNetwork, generator: np.random.Generator
    ) -> Iterator[tuple[int, Tensor]]:
        """See `training.Objective`."""
        for batch in crop_batches(self.source, self.settings, generator):
            with torch.inference_mode():
                target = self.teacher(batch)
            yield len(batch), descriptor_distance(network(batch), target.clone())

    @torch.inference_mode()
    def validate(self, network: RetrievalNetwork) -> float:
        """Minus the distance on crops of its own, see `training.Objective`."""
        network.eval()
        crops = max(1, round(_VALIDATION_SHARE * self.settings.crops))
        own = replace(self.settings, crops=crops)
        batches = crop_batches(self.source, own, np.random.default_rng(_VALIDATION_SEED))
        sums = [
            len(batch) * descriptor_distance(network(batch), self.teacher(batch)).item()
            for batch in batches
        ]
        return -sum(sums) / crops
