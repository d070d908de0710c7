"""The loss of Saha, Varma & Jawahar (ACPR 2017): triplets of query crops and mined negatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.training.declared import Loss, Shown

if TYPE_CHECKING:
    from pocketvlad.networks.model import Model
    from pocketvlad.training.epoch import Objective
    from pocketvlad.training.settings import TrainingSettings
    from pocketvlad.training.training_city import TrainingImages


@dataclass(frozen=True)
class Triplet(Loss):
    """The paper's triplets; their numbers and margin are keys of `training`."""

    def shown(self, training: Mapping[str, object]) -> Shown:
        images = 2 + training["negatives"]
        return Shown(
            step=training["tuples_per_step"] * images,
            epoch=training["tuples"] * images,
            # Images of landmarks, and as many of the background; all queries come to these.
            mined=2 * training["pool"],
        )

    def objective(
        self, images: "TrainingImages", settings: "TrainingSettings", models: "Sequence[Model]"
    ) -> "Objective":
        from pocketvlad.training.triplet_objective import TripletObjective

        return TripletObjective(images, settings)
