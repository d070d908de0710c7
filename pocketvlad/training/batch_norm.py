"""Batch normalisation that is there for training only.

The study's networks have none. A deep network that learns from nothing needs it, and once it has
learnt, the normalisation is a scale and a shift a channel that the convolution before it can take
over (Ioffe & Szegedy 2015, section 3.1).
"""

from collections import OrderedDict

import torch
from torch import nn

_SUFFIX = "_norm"


def with_batch_norm(backbone: nn.Sequential) -> nn.Sequential:
    """The same layers, each convolution followed by a normalisation of its channels.

    The layers are shared, not copied: training the result trains `backbone`.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, layer in backbone.named_children():
        layers[name] = layer
        if isinstance(layer, nn.Conv2d):
            layers[name + _SUFFIX] = nn.BatchNorm2d(layer.out_channels)
    return nn.Sequential(layers)


@torch.no_grad()
def fold_batch_norm(normalised: nn.Sequential) -> nn.Sequential:
    """The backbone alone, its convolutions doing what the normalisation after each did.

    In place: `normalised`, as `with_batch_norm` made it, is of no use afterwards.
    """
    layers = OrderedDict(normalised.named_children())
    for name in [name for name in layers if name.endswith(_SUFFIX)]:
        norm = layers.pop(name)
        convolution = layers[name.removesuffix(_SUFFIX)]
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        convolution.weight.mul_(factor.view(-1, 1, 1, 1))
        convolution.bias.copy_((convolution.bias - norm.running_mean) * factor + norm.bias)
    return nn.Sequential(layers)
