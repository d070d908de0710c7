"""PCA whitening (Jegou & Chum, ECCV 2012), learnt from pooled vectors of the training city."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Projection
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.linear_map import WhiteningMap


@dataclass(frozen=True)
class PCAWhitening(Projection):
    """PCA whitening (Jegou & Chum, ECCV 2012), learnt from pooled vectors of the training city.

    Few samples tell the small deviations badly: a power below 1 whitens in part.
    """

    length: int = setting("length of the descriptor (4096 in the paper)", minimum=1)
    power: float | None = setting(
        "the power of its deviation that each component is divided by: 1 whitens, 0 leaves the "
        "components of the PCA as they are; 1 unless told",
        default=None,
        minimum=0,
        maximum=1,
    )

    def size(self, incoming: int) -> int:
        return self.length

    def build(self, incoming: int) -> "WhiteningMap":
        from pocketvlad.networks.modules.linear_map import WhiteningMap

        return WhiteningMap(incoming, self.length, 1.0 if self.power is None else self.power)
