"""How compressed networks recover: objective and reconstruction, from the config's section."""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from pocketvlad.compression.reconstruction import reconstruct
from pocketvlad.compression.settings import ReconstructionSettings
from pocketvlad.data.settings import CropSettings
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.distillation import DistillationObjective
from pocketvlad.training.epoch import Objective
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.training.training_city import TrainingImages
from pocketvlad.training.triplet_objective import TripletObjective


def compression_objective(
    section: Mapping[str, object],
    images: TrainingImages,
    training: TrainingSettings,
    teacher: RetrievalNetwork,
) -> Objective:
    """The objective that the config's section `recovery` names.

    Args:
        training: of the base model; crops are cut and coloured as there.
        teacher: the uncompressed model.
    """
    if section["objective"] == "triplet":
        return TripletObjective(images, training, tuples=section["tuples"])
    return DistillationObjective(images.crop_source, compression_crops(section, training), teacher)


def compression_crops(section: Mapping[str, object], training: TrainingSettings) -> CropSettings:
    """How the config's sections `recovery` and `training` cut crops of the training city."""
    return CropSettings(
        crops=section["crops"],
        batch=section["crops_per_step"],
        image_size=section["image_size"],
        crop=training.crop,
        colour=training.colour,
    )


Refit = Callable[[RetrievalNetwork, Mapping[str, Tensor], np.random.Generator], None]


def refit_by_reconstruction(
    section: Mapping[str, object],
    images: TrainingImages,
    training: TrainingSettings,
    teacher: RetrievalNetwork,
) -> Refit | None:
    """A function that refits a pruned network with these masks, or None if the config has none."""
    settings = ReconstructionSettings(**section["reconstruction"])
    if not (settings.crops or settings.projection_crops):
        return None
    crops = compression_crops(section, training)

    def refit(
        network: RetrievalNetwork, masks: Mapping[str, Tensor], generator: np.random.Generator
    ) -> None:
        reconstruct(network, teacher, masks, images.crop_source, crops, settings, generator)

    return refit
