"""A convolution as many linear equations: what it sees and makes at places of some images."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def drawn_places(
    outputs: Sequence[Tensor], patches: int, generator: torch.Generator
) -> list[Tensor]:
    """For each image of batches [n, O, h, w] the numbers of some of its h w places, at random.

    Args:
        patches: how many in all, as far as there are so many; shared evenly between the images.
    """
    images = sum(len(batch) for batch in outputs)
    places = []
    for batch in outputs:
        available = batch.shape[2] * batch.shape[3]
        count = min(available, -(-patches // images))
        places += [torch.randperm(available, generator=generator)[:count] for _ in batch]
    return places


def outputs_at(outputs: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
    """[P, O] What batches [n, O, h, w] hold at `places` of each image."""
    images = (image for batch in outputs for image in batch)
    rows = zip(images, places, strict=True)
    return torch.cat([image.flatten(1)[:, place].t() for image, place in rows])


def inputs_at(
    inputs: Sequence[Tensor], places: Sequence[Tensor], layer: nn.Conv2d, group: int
) -> Tensor:
    """[P, D] The patches that one group of `layer` sees at `places` of its output."""
    channels = layer.in_channels // layer.groups
    own = slice(group * channels, (group + 1) * channels)
    images = (image for batch in inputs for image in batch)
    rows = []
    for image, place in zip(images, places, strict=True):
        seen = F.unfold(
            image[None, own], layer.kernel_size, padding=layer.padding, stride=layer.stride
        )
        rows.append(seen[0][:, place].t())
    return torch.cat(rows)
