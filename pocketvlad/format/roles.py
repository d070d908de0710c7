"""What a tensor is in its network: the part that it belongs to, and its role there.

Everything that must choose among tensors (what is pruned, how it is rounded, which line of a table
it is counted in) asks for these, and never for names. Files store them beside each tensor.
"""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """The three parts of a network, in the order in which an image passes through them."""

    BACKBONE = "backbone"
    POOLING = "pooling"
    PROJECTION = "projection"


class Role(StrEnum):
    """What a tensor does.

    CONVOLUTION: kernels [O, I, H, W].  LINEAR: a matrix [O, I].  CLUSTER: a row [D] a cluster.
    BIAS: what is added to the outputs of one of these.  KEPT: of a layer that is left as it is, in
    half precision.  OTHER: all else, such as the statistics of a batch normalisation or an
    exponent.
    """

    CONVOLUTION = "convolution"
    LINEAR = "linear"
    CLUSTER = "cluster"
    BIAS = "bias"
    KEPT = "kept"
    OTHER = "other"

    @property
    def compressed(self) -> bool:
        """Whether tensors of this role are pruned and quantized.

        Biases and all else are 0.02 % of the numbers of AlexNet and VGG16, 0.7 % of those of
        EfficientNet-Lite0: they stay as they are, but that `rd` rounds those of convolutions.
        """
        return self in (Role.CONVOLUTION, Role.LINEAR, Role.CLUSTER)


@dataclass(frozen=True)
class Label:
    """Where a tensor belongs, and what it does there."""

    part: Part
    role: Role
