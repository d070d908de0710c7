"""Caffe's AlexNet (Krizhevsky et al. 2012 as shipped with Caffe) up to conv5.

96-256-384-384-256 channels, two groups in convolutions 2, 4 and 5, local response normalisation
after the pooling.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.scaled import scaled
from pocketvlad.networks.staged import StagedBackbone, up_to

if TYPE_CHECKING:
    from torch import nn

_GROUPS = 2


@dataclass(frozen=True)
class AlexNet(StagedBackbone):
    """Caffe's AlexNet. Each convolution is a stage, and ends it before its ReLU."""

    stage_channels = (96, 256, 384, 384, 256)
    map_numbers, million_weights = 6, 2.4
    multiple = _GROUPS

    @property
    def min_side(self) -> int:
        return (11, 19, 35, 35, 35)[len(self.kept) - 1]

    def build(self) -> "nn.Sequential":
        from torch import nn

        c1, c2, c3, c4, c5 = (scaled(each, self.width, _GROUPS) for each in self.stage_channels)

        def norm() -> nn.Module:
            # Caffe divides alpha by the window as torch does: the same three figures as in Caffe.
            return nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=1.0)

        def pool() -> nn.Module:
            return nn.MaxPool2d(kernel_size=3, stride=2)  # Caffe's pooling overlaps

        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, c1, 11, stride=4),
            relu1=nn.ReLU(),
            pool1=pool(),
            norm1=norm(),
            conv2=nn.Conv2d(c1, c2, 5, padding=2, groups=_GROUPS),
            relu2=nn.ReLU(),
            pool2=pool(),
            norm2=norm(),
            conv3=nn.Conv2d(c2, c3, 3, padding=1),
            relu3=nn.ReLU(),
            conv4=nn.Conv2d(c3, c4, 3, padding=1, groups=_GROUPS),
            relu4=nn.ReLU(),
            conv5=nn.Conv2d(c4, c5, 3, padding=1, groups=_GROUPS),
        )
        return nn.Sequential(up_to(f"conv{len(self.kept)}", layers))
