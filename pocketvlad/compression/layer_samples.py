"""What layers are fitted on: crops, and the inputs and outputs at some places of them."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.data.city_crops import CropSource, crop_batches
from pocketvlad.data.settings import CropSettings
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.util.progress import progress


def crops_for(
    network: RetrievalNetwork,
    source: CropSource,
    crops: CropSettings,
    count: int,
    generator: np.random.Generator,
) -> Iterator[Tensor]:
    """Batches of `count` crops, cut as `crops` says, where `network` computes."""
    for batch in crop_batches(source, replace(crops, crops=count), generator):
        yield batch.to(network.device)


def projection_samples(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    features: Iterable[tuple[Tensor, Tensor]],
    count: int,
) -> tuple[Tensor, Tensor]:
    """([n, P] inputs of the projection in `network`, [n, F] its outputs in `teacher`)

    Args:
        features: of both, by batch (`paired_features`).
        count: of images in all, for the progress bar.
    """
    seen, wanted = [], []
    with progress(count, "projection", "crop") as bar:
        for own, original in features:
            seen.append(network.pooling(own))
            wanted.append(teacher.projection(teacher.pooling(original)))
            bar.update(len(own))
    return torch.cat(seen), torch.cat(wanted)


def centre_of(samples: Tensor, layer: nn.Conv2d | nn.Linear) -> Tensor:
    """[..., D] The mean of samples [..., n, D], which the bias corrects; zero for a layer without
    a bias."""
    mean = samples.mean(dim=-2)
    return mean if layer.bias is not None else torch.zeros_like(mean)


def drawn_places(
    outputs: Sequence[Tensor], patches: int, generator: torch.Generator
) -> list[Tensor]:
    """Random places of each image of batches [n, O, h, w], as numbers below h w.

    Args:
        patches: how many in all, shared evenly between the images; fewer where there are not so
            many.
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


def padded(maps: Tensor, layer: nn.Conv2d) -> Tensor:
    """Maps [..., C, H, W] with what `layer` puts around them, whatever its padding."""
    if isinstance(layer.padding, str):  # "same": torch has it in numbers, the last axis first
        around = layer._reversed_padding_repeated_twice
    else:
        above, before = layer.padding
        around = (before, before, above, above)
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return F.pad(maps, around, mode)


def _covered(places: Tensor, layer: nn.Conv2d, row: int) -> Tensor:
    """[P, K] Which values of a padded channel, in rows of `row` values, the kernel covers at some
    places of the layer's output."""
    (down, right), (height, width) = layer.stride, layer.kernel_size
    below, beside = layer.dilation
    columns = (row - beside * (width - 1) - 1) // right + 1
    first = places // columns * (down * row) + places % columns * right
    further = torch.arange(height)[:, None] * (below * row) + torch.arange(width) * beside
    return first[:, None] + further.flatten()


def inputs_at(
    inputs: Sequence[Tensor], places: Sequence[Tensor], layer: nn.Conv2d, groups: range
) -> Tensor:
    """[G, P, D] The patches that each of some adjacent groups of `layer` sees at `places` of its
    output."""
    channels = layer.in_channels // layer.groups
    own = slice(groups.start * channels, groups.stop * channels)
    images = (image for batch in inputs for image in batch)
    # Filled in place: this is the largest tensor, and must not be held twice. Only the places that
    # are wanted are cut out: an image has many times as many.
    kernel = math.prod(layer.kernel_size)
    patches = inputs[0].new_empty(len(groups), sum(map(len, places)), channels, kernel)
    start = 0
    for image, place in zip(images, places, strict=True):
        seen = padded(image[own], layer)
        covered = _covered(place, layer, seen.shape[2])
        found = seen.flatten(1)[:, covered.flatten()]
        by_group = found.view(len(groups), channels, *covered.shape)
        patches[:, start : start + len(place)] = by_group.transpose(1, 2)
        start += len(place)
    return patches.flatten(2)
