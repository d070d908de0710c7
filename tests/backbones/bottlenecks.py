"""A small network of linear bottlenecks, declared as any backbone is."""

from dataclasses import dataclass

from pocketvlad.networks.declared import Backbone
from pocketvlad.util.settings import setting


@dataclass(frozen=True)
class Bottlenecks(Backbone):
    """Three linear bottlenecks."""

    norm: bool = setting("whether convolutions are normalised", default=False)

    min_side = 4
    channels = 10

    def build(self):
        from graphs import BottleneckNetwork

        return BottleneckNetwork(self.norm)
