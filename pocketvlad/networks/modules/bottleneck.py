"""Linear bottlenecks with depthwise convolutions, padded as TensorFlow does."""

from collections import OrderedDict
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class SamePadding(nn.Module):
    """What TensorFlow's padding SAME puts around a map before a strided convolution.

    The output then has ceil(side / stride) places along a side. An odd number of zeros has one
    more below and at the right. How many there are depends on the map's size, so that a
    convolution's own padding cannot do it.
    """

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def _before_and_after(self, side: int) -> tuple[int, int]:
        # Nothing negative is divided: an ONNX graph would round it towards zero.
        places = (side + self.stride - 1) // self.stride
        zeros = max(0, (places - 1) * self.stride + self.kernel - side)
        return zeros // 2, zeros - zeros // 2

    def forward(self, maps: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H + ..., W + ...]."""
        height, width = maps.shape[2:]
        return F.pad(maps, (*self._before_and_after(width), *self._before_and_after(height)))


class Residual(nn.Sequential):
    """Layers whose output is added to their input."""

    def forward(self, maps: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return maps + super().forward(maps)


def _strided(
    name: str, incoming: int, outgoing: int, kernel: int, stride: int, groups: int = 1
) -> "OrderedDict[str, nn.Module]":
    """A convolution of padding SAME, as layers. At stride 1 it is symmetric at any size."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if stride > 1:
        layers["pad"] = SamePadding(kernel, stride)
    padding = 0 if stride > 1 else kernel // 2
    layers[name] = nn.Conv2d(incoming, outgoing, kernel, stride, padding, groups=groups)
    return layers


def linear_bottleneck(
    incoming: int, outgoing: int, kernel: int, stride: int, expansion: int
) -> nn.Sequential:
    """Expand, filter each channel by itself, project without a ReLU; an expansion of 1 is none."""
    inner = incoming * expansion
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if expansion > 1:
        layers["expand"] = nn.Conv2d(incoming, inner, 1)
        layers["relu1"] = nn.ReLU6()
    layers |= _strided("depthwise", inner, inner, kernel, stride, groups=inner)
    layers["relu2"] = nn.ReLU6()
    layers["project"] = nn.Conv2d(inner, outgoing, 1)
    adds = stride == 1 and incoming == outgoing
    return (Residual if adds else nn.Sequential)(layers)


def bottleneck_stages(
    stem: int, stages: Sequence[tuple[int, int, int, int, int]], head: int | None = None
) -> nn.Sequential:
    """A strided convolution to `stem` channels, then stages of linear bottlenecks.

    Args:
        stages: of each, its channels, blocks, side of kernels, first block's stride, expansion.
        head: channels of a convolution of one pixel with a ReLU6 at the end; None for none.
    """
    layers = _strided("stem", 3, stem, 3, 2)
    layers["relu"] = nn.ReLU6()
    incoming = stem
    for number, (outgoing, blocks, kernel, stride, expansion) in enumerate(stages, start=1):
        sizes = [(incoming, stride), *[(outgoing, 1)] * (blocks - 1)]
        layers[f"stage{number}"] = nn.Sequential(
            *(linear_bottleneck(i, outgoing, kernel, s, expansion) for i, s in sizes)
        )
        incoming = outgoing
    if head is not None:
        layers["head"] = nn.Conv2d(incoming, head, 1)
        layers["head_relu"] = nn.ReLU6()
    return nn.Sequential(layers)
