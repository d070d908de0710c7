"""Random convolutions that start from the data (Kraehenbuehl et al., ICLR 2016)."""

from collections.abc import Sequence

import torch
from torch import nn

from pocketvlad.describe import Picture, decoded_batches
from pocketvlad.images import Preprocessing, Sizing


@torch.no_grad()
def calibrate(
    backbone: nn.Sequential,
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
) -> None:
    """Scale and shift every convolution so that each channel has mean 0 and deviation 1.

    The figures are taken over `pictures`, layer after layer. Without this a deep random network
    answers all images almost alike, and the triplet loss collapses.
    """
    batches = [
        batch for _, batch in decoded_batches(pictures, sizing, preprocessing, len(pictures))
    ]
    for layer in backbone:
        if isinstance(layer, nn.Conv2d):
            responses = torch.cat(
                [layer(batch).transpose(0, 1).flatten(1) for batch in batches], dim=1
            )
            deviation, mean = torch.std_mean(responses, dim=1)
            deviation.clamp_(min=1e-6)
            layer.weight.div_(deviation.view(-1, 1, 1, 1))
            layer.bias.sub_(mean).div_(deviation)
        batches = [layer(batch) for batch in batches]
