"""How far the descriptor moves when the weights of a convolution do."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.networks.model import PlaceNet
from pocketvlad.training.distillation import descriptor_distance

_SHARE = 0.01  # of the outputs' variance: small enough for the descriptor to answer linearly


@torch.no_grad()
def sensitivity(
    network: PlaceNet,
    layer: nn.Conv2d,
    inputs: Tensor,
    outputs: Tensor,
    descriptors: Tensor,
    generator: torch.Generator,
) -> float:
    """The squared distance that the descriptor moves, for errors of one output of variance one.

    The errors are those that errors of the weights cause: they show at every place of an image
    alike, and add up over the places. Measured by noise on all weights of the layer.

    Args:
        inputs, outputs: [n, C, H, W] and [n, O, h, w], what `layer` sees and makes in `network`.
        descriptors: [n, F], what `network` makes of the images.
    """
    children = list(network.backbone.children())
    rest = children[[child is layer for child in children].index(True) + 1 :]

    noise = torch.randn(layer.weight.shape, generator=generator).to(outputs.device)
    change = F.conv2d(
        inputs, noise, stride=layer.stride, padding=layer.padding, groups=layer.groups
    )
    change -= change.mean(dim=(0, 2, 3), keepdim=True)  # which the bias makes good
    size = _SHARE * outputs.var(dim=(0, 2, 3)).sum()
    moved = outputs + change * torch.sqrt(size / change.square().mean(dim=(0, 2, 3)).sum())
    for each in rest:
        moved = each(moved)
    found = F.normalize(network.whitening(network.netvlad(moved)), dim=1)
    return float(descriptor_distance(found, descriptors) / size)
