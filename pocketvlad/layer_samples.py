"""Layers as many linear equations: what they see in one network and should make as in another.

`network` is what is being compressed, layer after layer; `teacher` is the uncompressed one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.city_crops import CropSettings, crop_batches
from pocketvlad.model import PlaceNet
from pocketvlad.progress import progress
from pocketvlad.training_city import TrainingImages


def crops_for(
    network: PlaceNet,
    images: TrainingImages,
    crops: CropSettings,
    count: int,
    generator: np.random.Generator,
) -> Iterator[Tensor]:
    """Batches of `count` crops, cut as `crops` says, where `network` computes."""
    for batch in crop_batches(images, replace(crops, crops=count), generator):
        yield batch.to(network.device)


@dataclass(frozen=True)
class PairedConvolution:
    """A convolution in both networks. Each sequence holds [n, C, H, W] of every batch.

    given: what `layer` sees.  seen: what `original` sees.  wanted: what `original` makes of that.
    """

    name: str  # of its weight
    layer: nn.Conv2d
    original: nn.Conv2d
    given: Sequence[Tensor]
    seen: Sequence[Tensor]
    wanted: Sequence[Tensor]


def paired_convolutions(
    network: PlaceNet, teacher: PlaceNet, batches: Iterable[Tensor], label: str
) -> Iterator[PairedConvolution]:
    """First to last. What `layer` has become by the time the next one is asked for, that sees."""
    wanted = list(batches)
    given = list(wanted)
    layers = list(network.backbone.named_children())
    with progress(len(layers), label, "layer") as bar:
        for name, layer in layers:
            original = teacher.backbone.get_submodule(name)
            seen, wanted = wanted, [original(batch) for batch in wanted]
            if isinstance(layer, nn.Conv2d):
                key = f"backbone.{name}.weight"
                yield PairedConvolution(key, layer, original, given, seen, wanted)
            given = [layer(batch) for batch in given]
            bar.update()


def whitening_samples(
    network: PlaceNet, teacher: PlaceNet, batches: Iterable[Tensor], crops: int
) -> tuple[Tensor, Tensor]:
    """([n, D] what the whitening sees in `network`, [n, F] what it makes in `teacher`)"""
    seen, wanted = [], []
    with progress(crops, "whitening", "crop") as bar:
        for batch in batches:
            seen.append(network.vlad(batch))
            wanted.append(teacher.whitening(teacher.vlad(batch)))
            bar.update(len(batch))
    return torch.cat(seen), torch.cat(wanted)


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
