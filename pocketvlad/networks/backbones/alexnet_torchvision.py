"""The network that torchvision calls AlexNet (Krizhevsky 2014), up to its last convolution.

64-192-384-256-256 channels, neither groups nor normalisation.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Backbone
from pocketvlad.networks.scaled import scaled
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from torch import nn

_CHANNELS = (64, 192, 384, 256, 256)


@dataclass(frozen=True)
class AlexNetTorchvision(Backbone):
    """torchvision's AlexNet."""

    width: float = setting("1 is the published network", default=1.0, above=0, maximum=1)

    min_side = 31

    @property
    def channels(self) -> int:
        return scaled(_CHANNELS[-1], self.width)

    def build(self) -> "nn.Sequential":
        from torch import nn

        c1, c2, c3, c4, c5 = (scaled(each, self.width) for each in _CHANNELS)
        return nn.Sequential(
            OrderedDict(
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
        )
