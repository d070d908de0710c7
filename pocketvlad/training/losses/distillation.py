"""Distances of a better description of the same photographs, to be reproduced.

The distance-wise loss of relational knowledge distillation (Park et al., CVPR 2019): it compares
distances, not descriptors, so that the teacher's may be of any length, and divides them by their
mean, so that the teacher's may be on any scale. Rankings depend on nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.training.declared import Loss, Shown
from pocketvlad.util.settings import Value, setting

if TYPE_CHECKING:
    from torch import Tensor

    from pocketvlad.networks.model import Model
    from pocketvlad.training.epoch import Objective
    from pocketvlad.training.settings import TrainingSettings
    from pocketvlad.training.training_city import TrainingImages

TAUGHT_AT_ONCE = 8
"""Photographs that a teacher sees at a time: the largest have twice the pixels."""
_LEAST = 1e-12  # the root of nothing has no derivative


@dataclass(frozen=True)
class Distillation(Loss):
    """Distances among photographs, as a teacher's descriptors have them; needs no labels."""

    batches: int = setting("batches an epoch, each a gradient step", 12, minimum=1)
    groups: int = setting("groups of photographs in a batch", 5, minimum=1)
    neighbours: int = setting(
        "a group is a photograph and so many others, the nearest to the teacher that the batch "
        "does not have yet",
        3,
        minimum=1,
    )
    photographs: int = setting(
        "photographs of the training city that the teacher describes, at most", 1000, minimum=2
    )
    scales: tuple[float, ...] = setting(
        "the teacher is the model's own initial network, its descriptors averaged over these "
        "multiples of protocol.image_size",
        (0.7, 1.0, 1.4),
        shortest=1,
        items=Value(above=0, maximum=4),
    )
    mirrored: bool = setting("whether they are averaged over mirror images, too", False)
    models: tuple[str, ...] = setting(
        "models of the study whose initial networks are teachers, too, each with the same weight",
        (),
        items=Value(form="a model of the study"),
    )

    @property
    def asks(self) -> tuple[str, ...]:
        return self.models

    def shown(self, training: Mapping[str, object]) -> Shown:
        step = self.groups * (1 + self.neighbours)
        sizes = [scale**2 for scale in self.scales]
        return Shown(
            step=step,
            epoch=self.batches * step,
            taught=self.photographs,
            looks=sum(sizes) * (2 if self.mirrored else 1),
            at_once=TAUGHT_AT_ONCE * max(sizes),
        )

    def objective(
        self, images: "TrainingImages", settings: "TrainingSettings", models: "Sequence[Model]"
    ) -> "Objective":
        from pocketvlad.training.relational_objective import RelationalObjective

        return RelationalObjective(images, settings, self, models)

    def of(self, pupil: "Tensor", teacher: "Tensor") -> "Tensor":
        """The mean Huber loss of the pupil's distances against the teacher's.

        Args:
            pupil: [N, D] descriptors.
            teacher: [N, E] those of the same photographs.
        """
        import torch.nn.functional as F

        return F.huber_loss(_relative_distances(pupil), _relative_distances(teacher))


def _relative_distances(rows: "Tensor") -> "Tensor":
    """[N (N - 1) / 2] The distances between rows [N, D], divided by their mean."""
    import torch

    one, other = torch.triu_indices(len(rows), len(rows), 1, device=rows.device)
    distances = (rows[one] - rows[other]).square().sum(dim=1).clamp_min(_LEAST).sqrt()
    return distances / distances.mean()
