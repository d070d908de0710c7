"""GeM as CosPlace and EigenPlaces compute it (Berton et al., CVPR 2022 and ICCV 2023)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.mean import CosPlaceGeM as Module


@dataclass(frozen=True)
class CosPlaceGeM(Pooling):
    """GeM of local features of unit length, for weights of cosplace and eigenplaces.

    The pooled vector is not normalised. The weights bring the exponent.
    """

    exponent: float = setting("the exponent to begin with: 1 is the mean", default=3.0, above=0)

    def length(self, channels: int) -> int:
        return channels

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.mean import CosPlaceGeM as Module

        return Module(self.exponent)
