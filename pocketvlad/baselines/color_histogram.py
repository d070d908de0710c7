"""A baseline without a network: a colour histogram."""

import torch
from torch import Tensor

from pocketvlad.data.images import Preprocessing

BINS = 8  # a channel

# The histogram counts plain pixel values.
IDENTITY = Preprocessing(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def color_histogram(images: Tensor) -> Tensor:
    """Joint RGB histograms [N, 512] of images [N, 3, H, W] with values in 0-255.

    The square roots of the shares, so that the inner product is the Hellinger affinity and the
    vectors have unit length.
    """
    binned = (images.flatten(2) * (BINS / 256)).long().clamp_(0, BINS - 1)  # [N, 3, P]
    index = (binned[:, 0] * BINS + binned[:, 1]) * BINS + binned[:, 2]
    counts = torch.stack([torch.bincount(row, minlength=BINS**3) for row in index])
    return (counts / index.shape[1]).sqrt()
