"""How far the descriptor moves when the weights of a convolution do."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pocketvlad.compression.paired_layers import PairedConvolution
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.training.distillation import descriptor_distance

_SHARE = 0.01  # of the outputs' variance: small enough for the descriptor to answer linearly


@torch.no_grad()
def sensitivity(
    teacher: RetrievalNetwork,
    pair: PairedConvolution,
    batch: int,
    descriptors: Tensor,
    generator: torch.Generator,
) -> float:
    """The squared distance that the descriptor moves, for errors of one output of variance one.

    The errors are those that errors of the weights cause: they show at every place of an image
    alike, and add up over the places. Measured by noise on all weights of the layer.

    Args:
        pair: the convolution.
        batch: the number of the batch that it is measured on.
        descriptors: [n, F], what `teacher` makes of that batch.
    """
    layer, inputs, outputs = pair.original, pair.seen[batch], pair.wanted[batch]
    noise = torch.randn(layer.weight.shape, generator=generator).to(outputs.device)
    change = F.conv2d(
        inputs,
        noise,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
    )
    if layer.bias is not None:
        change -= change.mean(dim=(0, 2, 3), keepdim=True)  # which the bias makes good
    size = _SHARE * outputs.var(dim=(0, 2, 3)).sum()
    moved = outputs + change * torch.sqrt(size / change.square().mean(dim=(0, 2, 3)).sum())
    found = teacher.described(pair.features_with(batch, moved))
    return float(descriptor_distance(found, descriptors) / size)
