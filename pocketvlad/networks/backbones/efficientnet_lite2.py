"""EfficientNet-Lite2: Lite1 with more channels."""

from dataclasses import dataclass

from pocketvlad.networks.families.efficientnet_lite import EfficientNetLite


@dataclass(frozen=True)
class EfficientNetLite2(EfficientNetLite):
    """EfficientNet-Lite2."""

    stage_channels = (16, 24, 48, 88, 120, 208, 352)
    repeats = (1, 3, 3, 4, 4, 5, 1)
    million_weights = 5.4
