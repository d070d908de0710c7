"""ResNet-18 as torchvision has it."""

from dataclasses import dataclass

from pocketvlad.networks.families.resnet import BasicResNet


@dataclass(frozen=True)
class ResNet18(BasicResNet):
    """ResNet-18."""

    repeats = (2, 2, 2, 2)
    million_weights = 11.2
