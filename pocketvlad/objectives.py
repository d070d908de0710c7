"""What compression fine-tunes for, by its name in the config."""

from collections.abc import Mapping

from pocketvlad.distillation import DistillationObjective, DistillationSettings
from pocketvlad.model import PlaceNet
from pocketvlad.training import Objective, TrainingSettings
from pocketvlad.training_city import TrainingImages
from pocketvlad.triplet_objective import TripletObjective


def compression_objective(
    section: Mapping[str, object],
    images: TrainingImages,
    training: TrainingSettings,
    teacher: PlaceNet,
) -> Objective:
    """The objective that the config's section `recovery` names.

    Args:
        training: of the base model; crops are cut and coloured as there.
        teacher: the uncompressed model.
    """
    if section["objective"] == "triplet":
        return TripletObjective(images, training, tuples=section["tuples"])
    settings = DistillationSettings(
        crops=section["crops"],
        crops_per_step=section["crops_per_step"],
        image_size=section["image_size"],
        crop=training.crop,
        colour=training.colour,
    )
    return DistillationObjective(images, settings, teacher)
