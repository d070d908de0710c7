"""Losses as a config declares them. Free of torch: Snakemake reads these at start.

A loss is declared by a file in `losses` (`util.typed`); the fields of its class are what the config
says beside `type`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.util.typed import Kind, Typed

if TYPE_CHECKING:
    from pocketvlad.networks.model import Model
    from pocketvlad.training.epoch import Objective
    from pocketvlad.training.settings import TrainingSettings
    from pocketvlad.training.training_city import TrainingImages


@dataclass(frozen=True)
class Loss(Typed, ABC):
    """What a network is fine-tuned for."""

    @property
    def asks(self) -> tuple[str, ...]:
        """Models of the study whose initial networks it asks for descriptions."""
        return ()

    @abstractmethod
    def objective(
        self, images: "TrainingImages", settings: "TrainingSettings", models: "Sequence[Model]"
    ) -> "Objective":
        """What `fine_tune` trains for.

        Args:
            models: the model that is trained, before its first epoch, and those of `asks`. What is
                needed of them must be taken now: training changes the first.
        """


LOSSES = Kind("loss", f"{__package__}.losses", Loss)
