"""Residual networks (He et al., CVPR 2016) as torchvision has them, without their classifier."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.networks.scaled import scaled
from pocketvlad.networks.staged import StagedBackbone

if TYPE_CHECKING:
    from torch import nn

_INNER = (64, 128, 256, 512)  # channels inside of the blocks of each stage


@dataclass(frozen=True)
class ResNet(StagedBackbone):
    """A stem and four stages; a stage ends in a ReLU. Any size of image will do."""

    repeats: ClassVar[tuple[int, ...]]
    """Blocks of each stage."""
    bottleneck: ClassVar[bool]
    """Whether a block has convolutions of 1, 3 and 1 pixels, in place of two of 3."""

    min_side = 1
    map_numbers = 16

    def build(self) -> "nn.Sequential":
        from pocketvlad.networks.modules.residual import residual_stages

        inner = [scaled(each, self.width) for each in _INNER]
        stages = list(zip(self.kept, inner, self.repeats, strict=False))
        return residual_stages(inner[0], stages, self.bottleneck)


@dataclass(frozen=True)
class BasicResNet(ResNet):
    """Blocks of two convolutions."""

    stage_channels = _INNER
    bottleneck = False


@dataclass(frozen=True)
class BottleneckResNet(ResNet):
    """Blocks of three convolutions, the inner one of a fourth of the channels."""

    stage_channels = tuple(4 * each for each in _INNER)
    bottleneck = True
