"""The loss of Saha, Varma & Jawahar (ACPR 2017): triplets of query crops and mined negatives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.training.declared import Loss

if TYPE_CHECKING:
    from pocketvlad.networks.model import Model
    from pocketvlad.training.epoch import Objective
    from pocketvlad.training.settings import TrainingSettings
    from pocketvlad.training.training_city import TrainingImages


@dataclass(frozen=True)
class Triplet(Loss):
    """The paper's triplets; their numbers and margin are keys of `training`."""

    def objective(
        self, images: "TrainingImages", settings: "TrainingSettings", models: "Sequence[Model]"
    ) -> "Objective":
        from pocketvlad.training.triplet_objective import TripletObjective

        return TripletObjective(images, settings)
