"""The network that torchvision calls AlexNet (Krizhevsky 2014), up to its last convolution.

64-192-384-256-256 channels, neither groups nor normalisation.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.scaled import scaled
from pocketvlad.networks.staged import StagedBackbone, up_to

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class AlexNetTorchvision(StagedBackbone):
    """torchvision's AlexNet. Each convolution is a stage, and ends it before its ReLU."""

    stage_channels = (64, 192, 384, 256, 256)
    map_numbers, million_weights = 4, 2.5

    @property
    def min_side(self) -> int:
        return (7, 15, 31, 31, 31)[len(self.kept) - 1]

    def build(self) -> "nn.Sequential":
        from torch import nn

        c1, c2, c3, c4, c5 = (scaled(each, self.width) for each in self.stage_channels)
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, c1, 11, stride=4, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(kernel_size=3, stride=2),
            conv2=nn.Conv2d(c1, c2, 5, padding=2),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(kernel_size=3, stride=2),
            conv3=nn.Conv2d(c2, c3, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(c3, c4, 3, padding=1),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(c4, c5, 3, padding=1),
        )
        return nn.Sequential(up_to(f"conv{len(self.kept)}", layers))
