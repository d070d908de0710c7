"""EfficientNet-Lite0, made for phones: 2.9 million weights."""

from dataclasses import dataclass

from pocketvlad.networks.families.efficientnet_lite import EfficientNetLite


@dataclass(frozen=True)
class EfficientNetLite0(EfficientNetLite):
    """EfficientNet-Lite0."""

    stage_channels = (16, 24, 40, 80, 112, 192, 320)
    repeats = (1, 2, 2, 3, 3, 4, 1)
    million_weights = 3.9
