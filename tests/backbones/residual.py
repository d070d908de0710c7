"""A small residual network, declared as any backbone is."""

from dataclasses import dataclass

from pocketvlad.networks.declared import Backbone
from pocketvlad.util.settings import setting


@dataclass(frozen=True)
class Residual(Backbone):
    """Two residual blocks."""

    norm: bool = setting("whether convolutions are normalised", default=False)

    min_side = 2
    channels = 10

    def build(self):
        from graphs import ResidualNetwork

        return ResidualNetwork(self.norm)
