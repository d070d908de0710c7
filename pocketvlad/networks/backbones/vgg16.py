"""VGG16 (configuration D of Simonyan & Zisserman 2015) up to conv5_3."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.staged import StagedBackbone

if TYPE_CHECKING:
    from torch import nn

_REPEATS = (2, 2, 3, 3, 3)  # convolutions of each stage


@dataclass(frozen=True)
class VGG16(StagedBackbone):
    """VGG16. A stage ends in a convolution, before its ReLU."""

    stage_channels = (64, 128, 256, 512, 512)
    million_weights = 14.8

    @property
    def min_side(self) -> int:
        return 2 ** (len(self.kept) - 1)

    def build(self) -> "nn.Sequential":
        from torch import nn

        layers: OrderedDict[str, nn.Module] = OrderedDict()
        incoming = 3
        for stage, outgoing in enumerate(self.kept, start=1):
            for index in range(1, _REPEATS[stage - 1] + 1):
                layers[f"conv{stage}_{index}"] = nn.Conv2d(incoming, outgoing, 3, padding=1)
                layers[f"relu{stage}_{index}"] = nn.ReLU()
                incoming = outgoing
            layers[f"pool{stage}"] = nn.MaxPool2d(2)
        for _ in ("pool", "relu"):
            layers.popitem()
        return nn.Sequential(layers)
