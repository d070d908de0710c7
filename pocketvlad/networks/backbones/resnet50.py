"""ResNet-50 as torchvision has it."""

from dataclasses import dataclass

from pocketvlad.networks.families.resnet import BottleneckResNet


@dataclass(frozen=True)
class ResNet50(BottleneckResNet):
    """ResNet-50."""

    repeats = (3, 4, 6, 3)
    million_weights = 23.6
