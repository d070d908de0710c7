"""Residual blocks (He et al., CVPR 2016); the stride is where torchvision has it."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn


def _convolution(incoming: int, outgoing: int, side: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, side, stride, side // 2)


class ResidualBlock(nn.Module):
    """relu(convolutions + shortcut): two of 3 x 3, or 1 x 1, 3 x 3, 1 x 1."""

    def __init__(
        self, incoming: int, inner: int, outgoing: int, stride: int, bottleneck: bool
    ) -> None:
        super().__init__()
        if bottleneck:
            sizes = ((incoming, inner, 1), (inner, inner, 3, stride), (inner, outgoing, 1))
        else:
            sizes = ((incoming, outgoing, 3, stride), (outgoing, outgoing, 3))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, size in enumerate(sizes, start=1):
            layers[f"conv{number}"] = _convolution(*size)
            layers[f"relu{number}"] = nn.ReLU()
        _, self.relu = layers.popitem()
        self.body = nn.Sequential(layers)
        alike = stride == 1 and incoming == outgoing
        self.shortcut = None if alike else _convolution(incoming, outgoing, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, O, ceil(H / stride), ceil(W / stride)]."""
        around = maps if self.shortcut is None else self.shortcut(maps)
        return self.relu(self.body(maps) + around)


def residual_stages(
    stem: int, stages: Sequence[tuple[int, int, int]], bottleneck: bool
) -> nn.Sequential:
    """A strided convolution to `stem` channels, a pooling, then stages of residual blocks.

    Args:
        stages: of each, its channels, those inside of its blocks, and how many blocks there are.
            All but the first halve their maps.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, stem, 7, stride=2, padding=3),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, stride=2, padding=1),
    )
    incoming = stem
    for number, (outgoing, inner, blocks) in enumerate(stages, start=1):
        sizes = [(incoming, 1 if number == 1 else 2), *[(outgoing, 1)] * (blocks - 1)]
        layers[f"layer{number}"] = nn.Sequential(
            *(ResidualBlock(i, inner, outgoing, stride, bottleneck) for i, stride in sizes)
        )
        incoming = outgoing
    return nn.Sequential(layers)
