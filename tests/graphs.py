"""Small backbones that are no chains: skip connections, strided shortcuts, depthwise convolutions.

They are registered in another order than they are computed in, and mix modules, functions and
methods: what walks through a network must not depend on any of it.
"""

import torch
import torch.nn.functional as F
from torch import nn


def convolution(incoming, outgoing, side, stride=1, groups=1, norm=False):
    """As in published networks: a bias, or in its place a normalisation."""
    layer = nn.Conv2d(
        incoming, outgoing, side, stride, padding=side // 2, groups=groups, bias=not norm
    )
    return nn.Sequential(layer, nn.BatchNorm2d(outgoing)) if norm else layer


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut (He et al., CVPR 2016)."""

    def __init__(self, incoming, outgoing, stride, norm):
        super().__init__()
        self.shortcut = None
        if stride > 1 or incoming != outgoing:
            self.shortcut = convolution(incoming, outgoing, 1, stride, norm=norm)
        self.second = convolution(outgoing, outgoing, 3, norm=norm)
        self.first = convolution(incoming, outgoing, 3, stride, norm=norm)

    def forward(self, maps):
        made = self.second(F.relu(self.first(maps)))
        around = maps if self.shortcut is None else self.shortcut(maps)
        return (made + around).relu()


class ResidualNetwork(nn.Module):
    """8, 8 and 12 channels, the last block at half the size; 10 at the end, without a ReLU."""

    def __init__(self, norm=False):
        super().__init__()
        self.last = nn.Conv2d(12, 10, 3, padding=1)
        self.stem = convolution(3, 8, 3, norm=norm)
        self.blocks = nn.Sequential(
            ResidualBlock(8, 8, 1, norm), nn.Identity(), ResidualBlock(8, 12, 2, norm)
        )

    def forward(self, images):
        return self.last(self.blocks(F.relu(self.stem(images))))


class Bottleneck(nn.Module):
    """Expand, filter each channel by itself, project (Sandler et al., CVPR 2018)."""

    def __init__(self, incoming, outgoing, stride, norm):
        super().__init__()
        inner = 3 * incoming
        self.project = convolution(inner, outgoing, 1, norm=norm)
        self.depthwise = convolution(inner, inner, 3, stride, groups=inner, norm=norm)
        self.expand = convolution(incoming, inner, 1, norm=norm)
        self.relu = nn.ReLU6()
        self.around = stride == 1 and incoming == outgoing

    def forward(self, maps):
        made = self.relu(self.expand(maps))  # one module, called twice
        made = self.project(self.relu(self.depthwise(made)))
        return torch.add(maps, made) if self.around else made


class BottleneckNetwork(nn.Module):
    """8, 12 and 12 channels, at a half and a quarter of the size; 10 at the end."""

    def __init__(self, norm=False):
        super().__init__()
        self.last = nn.Conv2d(12, 10, 1)
        self.bottlenecks = nn.ModuleList(
            [Bottleneck(*sizes, norm) for sizes in ((8, 8, 1), (8, 12, 2), (12, 12, 1))]
        )
        self.stem = convolution(3, 8, 3, stride=2, norm=norm)

    def forward(self, images):
        maps = F.relu6(self.stem(images))
        for bottleneck in self.bottlenecks:
            maps = bottleneck(maps)
        return self.last(maps)


def with_statistics(network, seed=0):
    """Weights of seeded noise, and normalisations as a training leaves them; to be evaluated."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1, generator=generator)
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.1, generator=generator)
                module.running_mean.normal_(0, 0.3, generator=generator)
                module.running_var.uniform_(0.5, 2.0, generator=generator)
                module.num_batches_tracked.fill_(7)
    return network.eval()
