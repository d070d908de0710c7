"""The mean of the local features' absolute values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling

if TYPE_CHECKING:
    from pocketvlad.networks.modules.mean import AbsMean as Module


@dataclass(frozen=True)
class AbsMean(Pooling):
    """The mean of the local features' absolute values."""

    def length(self, channels: int) -> int:
        return channels

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.mean import AbsMean as Module

        return Module()
