"""ResNet-101 as torchvision has it."""

from dataclasses import dataclass

from pocketvlad.networks.families.resnet import BottleneckResNet


@dataclass(frozen=True)
class ResNet101(BottleneckResNet):
    """ResNet-101."""

    repeats = (3, 4, 23, 3)
    million_weights = 42.6
