"""EfficientNet-Lite1: Lite0 with more blocks."""

from dataclasses import dataclass

from pocketvlad.networks.families.efficientnet_lite import EfficientNetLite


@dataclass(frozen=True)
class EfficientNetLite1(EfficientNetLite):
    """EfficientNet-Lite1."""

    stage_channels = (16, 24, 40, 80, 112, 192, 320)
    repeats = (1, 3, 3, 4, 4, 5, 1)
    million_weights = 4.7
