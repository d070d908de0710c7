"""EfficientNet-Lite: EfficientNet (Tan & Le, ICML 2019) with ReLU6 and without squeeze and excite.

The networks of github.com/tensorflow/tpu, models/official/efficientnet/lite. Their head is left out
unless it is asked for. Linear bottlenecks (Sandler et al., CVPR 2018): expand, filter each channel
by itself, project.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.networks.scaled import scaled
from pocketvlad.networks.staged import StagedBackbone
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from torch import nn

STEM, HEAD = 32, 1280  # channels
# Of each stage: the side of the depthwise kernels, the first block's stride, and how many times
# more channels a block has inside.
_STAGES = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))


@dataclass(frozen=True)
class EfficientNetLite(StagedBackbone):
    """A stem and seven stages; a stage ends in a linear map, which may be added to its input.

    Padding is TensorFlow's, which depends on an image's size; any size will do.
    """

    head: bool | None = setting(
        "whether a convolution of one pixel to 1280 channels and a ReLU6 follow the last stage, as "
        "in the classifier; false unless told",
        None,
    )

    repeats: ClassVar[tuple[int, ...]]
    """Blocks of each stage."""

    min_side = 1
    map_numbers = 24

    def __post_init__(self) -> None:
        """Raises ValueError where a value does not fit, or a head would follow an earlier stage."""
        super().__post_init__()
        if self.head and len(self.kept) < len(self.stage_channels):
            raise ValueError(
                f"head true does not fit stages {self.stages}: it follows the last stage; leave "
                "one of the two out"
            )

    @property
    def channels(self) -> int:
        return scaled(HEAD, self.width) if self.head else super().channels

    def build(self) -> "nn.Sequential":
        from pocketvlad.networks.modules.bottleneck import bottleneck_stages

        stages = [
            (channels, blocks, *design)
            for channels, blocks, design in zip(self.kept, self.repeats, _STAGES, strict=False)
        ]
        head = self.channels if self.head else None
        return bottleneck_stages(scaled(STEM, self.width), stages, head)
