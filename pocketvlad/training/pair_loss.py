"""Losses of pairs of photographs, as a config declares them. Free of torch."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.training.declared import Loss, Shown
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from torch import Tensor

    from pocketvlad.networks.model import Model
    from pocketvlad.training.epoch import Objective
    from pocketvlad.training.settings import TrainingSettings
    from pocketvlad.training.training_city import TrainingImages


@dataclass(frozen=True)
class PairLoss(Loss):
    """A loss of pairs of photographs that are known to show the same, or something else.

    A batch has several photographs of each of some landmarks. Unlabelled photographs are in it as
    two crops each: a network that sees nothing but a few landmarks overfits them.
    """

    batches: int = setting("batches an epoch, each a gradient step", 12, minimum=1)
    landmarks: int = setting("landmarks in a batch; fewer where there are fewer", 4, minimum=2)
    views: int = setting("photographs of each landmark in a batch", 4, minimum=2)
    instances: int = setting("unlabelled photographs in a batch, two crops each", 2, minimum=0)

    @abstractmethod
    def of(self, descriptors: "Tensor", same: "Tensor", different: "Tensor") -> "Tensor":
        """The loss of one batch, a scalar.

        Args:
            descriptors: [N, D], unit length.
            same, different: [N, N] bool, symmetric, their diagonals false: which pairs show the
                same, and which certainly do not. Of all other pairs nothing is known.
        """

    def shown(self, training: Mapping[str, object]) -> Shown:
        step = self.landmarks * self.views + 2 * self.instances
        return Shown(step=step, epoch=self.batches * step)

    def objective(
        self, images: "TrainingImages", settings: "TrainingSettings", models: "Sequence[Model]"
    ) -> "Objective":
        from pocketvlad.training.pair_objective import PairObjective

        return PairObjective(images, settings, self)
