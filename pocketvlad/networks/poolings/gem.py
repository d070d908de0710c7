"""The generalised mean (Radenovic et al., IEEE PAMI 2019)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.mean import GeM as Module


@dataclass(frozen=True)
class GeM(Pooling):
    """GeM; fine-tuning moves the exponent where it trains the pooling."""

    exponent: float = setting("the exponent to begin with: 1 is the mean", default=3.0, above=0)

    def length(self, channels: int) -> int:
        return channels

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.mean import GeM as Module

        return Module(self.exponent)
