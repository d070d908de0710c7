"""VGG16 (configuration D of Simonyan & Zisserman 2015) up to conv5_3."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Backbone
from pocketvlad.networks.scaled import scaled
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from torch import nn

# Channels of each stage, and how many convolutions have them.
_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


@dataclass(frozen=True)
class VGG16(Backbone):
    """VGG16."""

    width: float = setting("1 is the published network", default=1.0, above=0, maximum=1)

    min_side = 16

    @property
    def channels(self) -> int:
        return scaled(_STAGES[-1][0], self.width)

    def build(self) -> "nn.Sequential":
        from torch import nn

        layers: OrderedDict[str, nn.Module] = OrderedDict()
        incoming = 3
        for stage, (channels, repeats) in enumerate(_STAGES, start=1):
            for index in range(1, repeats + 1):
                outgoing = scaled(channels, self.width)
                layers[f"conv{stage}_{index}"] = nn.Conv2d(incoming, outgoing, 3, padding=1)
                layers[f"relu{stage}_{index}"] = nn.ReLU()
                incoming = outgoing
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
        for name in ("pool5", "relu5_3"):
            del layers[name]
        return nn.Sequential(layers)
