"""ResNet-34 as torchvision has it."""

from dataclasses import dataclass

from pocketvlad.networks.families.resnet import BasicResNet


@dataclass(frozen=True)
class ResNet34(BasicResNet):
    """ResNet-34."""

    repeats = (3, 4, 6, 3)
    million_weights = 21.3
