"""Losses as a config declares them. Free of torch: Snakemake reads these at start.

A loss is declared by a file in `losses` (`util.typed`); the fields of its class are what the config
says beside `type`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.util.typed import Kind, Typed

if TYPE_CHECKING:
    from pocketvlad.networks.model import Model
    from pocketvlad.training.epoch import Objective
    from pocketvlad.training.settings import TrainingSettings
    from pocketvlad.training.training_city import TrainingImages


@dataclass(frozen=True)
class Shown:
    """How many photographs a training shows networks: by this its job asks for memory and time.

    step: those of a gradient step, at most.  epoch: those of all steps of an epoch.  mined: those
    that the network describes before each epoch.
    taught: those that each teacher describes once, at most.  looks: what one of them takes, in
    photographs of the protocol's size.  at_once: the most that a teacher sees at a time, likewise.
    """

    step: int
    epoch: int
    mined: int = 0
    taught: int = 0
    looks: float = 0.0
    at_once: float = 0.0


@dataclass(frozen=True)
class Loss(Typed, ABC):
    """What a network is fine-tuned for."""

    @property
    def asks(self) -> tuple[str, ...]:
        """Models of the study whose initial networks it asks for descriptions."""
        return ()

    @abstractmethod
    def shown(self, training: Mapping[str, object]) -> Shown:
        """
        Args:
            training: the section of this name, with all defaults.
        """

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
