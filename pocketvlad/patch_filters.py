"""Convolutions learnt from unlabelled images alone: whitened principal components of patches.

A deep random network answers all images almost alike, and a small city is too little to teach it
everything by triplets. Kraehenbuehl et al. (ICLR 2016) start from the data instead: each layer's
filters are the principal components of its input's patches, scaled and shifted so that every
channel has mean 0 and deviation 1 over the images.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.describe import Picture, decoded_batches
from pocketvlad.images import Preprocessing, Sizing

PATCHES = 20_000  # a layer
_RIDGE = 1e-3  # of the largest variance: keeps directions of almost none from being blown up


def sample_patches(
    batches: Sequence[Tensor], layer: nn.Conv2d, group: int, generator: torch.Generator
) -> np.ndarray:
    """Patches [P, C * kh * kw] that one group of a convolution sees in `batches` [n, C, H, W]."""
    channels = layer.in_channels // layer.groups
    own = slice(group * channels, (group + 1) * channels)
    found = []
    for batch in batches:
        patches = F.unfold(
            batch[:, own], layer.kernel_size, padding=layer.padding, stride=layer.stride
        )
        patches = patches.transpose(1, 2).flatten(0, 1)
        chosen = torch.randperm(len(patches), generator=generator)[: PATCHES // len(batches)]
        found.append(patches[chosen])
    return torch.cat(found).double().numpy()


def principal_filters(patches: np.ndarray, count: int) -> np.ndarray:
    """[count, D] whitened principal components of patches [P, D], strongest first.

    Where there are more filters than components, the others are the same ones negated: the ReLU
    that follows keeps only one side of each.
    """
    variance, components = np.linalg.eigh(np.cov(patches, rowvar=False))
    scale = np.sqrt(np.maximum(variance, 0) + _RIDGE * variance[-1])
    filters = (components / scale).T[::-1]
    return np.resize(np.concatenate([filters[:count], -filters[:count]]), (count, len(scale)))


@torch.no_grad()
def learn_filters(
    backbone: nn.Sequential,
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    seed: int,
) -> None:
    """Set every convolution of `backbone` from `pictures`, layer after layer, without labels."""
    generator = torch.Generator().manual_seed(seed)
    batches = [
        batch for _, batch in decoded_batches(pictures, sizing, preprocessing, len(pictures))
    ]
    for layer in backbone:
        if isinstance(layer, nn.Conv2d):
            count = layer.out_channels // layer.groups
            for group in range(layer.groups):
                patches = sample_patches(batches, layer, group, generator)
                filters = torch.from_numpy(principal_filters(patches, count))
                own = slice(group * count, (group + 1) * count)
                layer.weight[own] = filters.view_as(layer.weight[own]).float()
            layer.bias.zero_()
            responses = torch.cat([layer(x).transpose(0, 1).flatten(1) for x in batches], dim=1)
            deviation, mean = torch.std_mean(responses, dim=1)
            deviation.clamp_(min=1e-6)
            layer.weight.div_(deviation.view(-1, 1, 1, 1))
            layer.bias.copy_(-mean / deviation)
        batches = [layer(batch) for batch in batches]
