"""NetVLAD (Arandjelovic et al., CVPR 2016): residuals to cluster centres, summed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.netvlad import NetVLAD as Module


@dataclass(frozen=True)
class NetVLAD(Pooling):
    """NetVLAD, its centres learnt by k-means from local features of the training city."""

    clusters: int = setting("clusters (64 in the paper)", minimum=1)

    def length(self, channels: int) -> int:
        return channels * self.clusters

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.netvlad import NetVLAD as Module

        return Module(self.clusters, channels)
