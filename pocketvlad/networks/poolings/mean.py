"""The mean of the local features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling

if TYPE_CHECKING:
    from pocketvlad.networks.modules.mean import Mean as Module


@dataclass(frozen=True)
class Mean(Pooling):
    """The mean of the local features."""

    def length(self, channels: int) -> int:
        return channels

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.mean import Mean as Module

        return Module()
