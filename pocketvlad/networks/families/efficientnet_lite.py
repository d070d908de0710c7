"""EfficientNet-Lite: EfficientNet (Tan & Le, ICML 2019) with ReLU6 and without squeeze and excite.

The networks of github.com/tensorflow/tpu, models/official/efficientnet/lite, without their head.
Linear bottlenecks (Sandler et al., CVPR 2018): expand, filter each channel by itself, project.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.networks.scaled import scaled
from pocketvlad.networks.staged import StagedBackbone

if TYPE_CHECKING:
    from torch import nn

STEM = 32
# Of each stage: the side of the depthwise kernels, the first block's stride, and how many times
# more channels a block has inside.
_STAGES = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))


@dataclass(frozen=True)
class EfficientNetLite(StagedBackbone):
    """A stem and seven stages; a stage ends in a linear map, which may be added to its input.

    Padding is TensorFlow's, which depends on an image's size; any size will do.
    """

    repeats: ClassVar[tuple[int, ...]]
    """Blocks of each stage."""

    min_side = 1

    def build(self) -> "nn.Sequential":
        from pocketvlad.networks.modules.bottleneck import bottleneck_stages

        stages = [
            (channels, blocks, *design)
            for channels, blocks, design in zip(self.kept, self.repeats, _STAGES, strict=False)
        ]
        return bottleneck_stages(scaled(STEM, self.width), stages)
