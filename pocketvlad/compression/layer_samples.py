"""Layers as many linear equations: what they see in one network and should make as in another.

`network` is what is being compressed, layer after layer; `teacher` is the uncompressed one.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.data.city_crops import CropSettings, CropSource, crop_batches
from pocketvlad.networks.model import PlaceNet
from pocketvlad.util.progress import progress


def crops_for(
    network: PlaceNet,
    source: CropSource,
    crops: CropSettings,
    count: int,
    generator: np.random.Generator,
) -> Iterator[Tensor]:
    """Batches of `count` crops, cut as `crops` says, where `network` computes."""
    for batch in crop_batches(source, replace(crops, crops=count), generator):
        yield batch.to(network.device)


@dataclass(frozen=True)
class PairedConvolution:
    """A convolution in both networks. Each sequence holds [n, C, H, W] by batch.

    given: what `layer` sees.  wanted: what `original` makes of what it sees.  seen: what it sees,
    of the first few batches.  All are overwritten when the next convolution is asked for.
    """

    name: str  # of its weight
    layer: nn.Conv2d
    original: nn.Conv2d
    given: Sequence[Tensor]
    wanted: Sequence[Tensor]
    seen: Sequence[Tensor]


_PLACES, _APART = 256, 72  # of an image: more of them, or nearer ones, look much alike
SEEN_BATCHES = 4  # that a convolution's `seen` has at most


def _stages(backbone: nn.Sequential) -> list[list[tuple[str, nn.Module]]]:
    """The layers up to each pooling, and with it: maps are small between stages."""
    stages: list[list[tuple[str, nn.Module]]] = [[]]
    for name, layer in backbone.named_children():
        stages[-1].append((name, layer))
        if isinstance(layer, nn.MaxPool2d):
            stages.append([])
    return [stage for stage in stages if stage]


def _batches_for(patches: int, layer: nn.Conv2d, batches: Sequence[Tensor]) -> int:
    """How many of `batches`, which `layer` sees, have so many places.

    `_PLACES` an image, and more where no more than one in `_APART` are taken: the fewer of the
    largest maps are held, the better.
    """
    places = layer(batches[0][:1])[0, 0].numel()
    each = min(places, max(_PLACES, places // _APART))
    return min(len(batches), math.ceil(patches / each / len(batches[0])))


def _advance(layer: nn.Module, batches: list[Tensor]) -> None:
    """Put each batch through `layer`, in place: two lists of maps would be gigabytes."""
    for index in range(len(batches)):
        batches[index] = layer(batches[index])


def paired_convolutions(
    network: PlaceNet,
    teacher: PlaceNet,
    given: list[Tensor],
    wanted: list[Tensor],
    patches: int,
    label: str,
) -> Iterator[PairedConvolution]:
    """First to last. What `layer` has become by the time the next one is asked for, that sees.

    Args:
        given, wanted: two lists of the same batches of images; after the last convolution they hold
            what the backbones of `network` and of `teacher` make of them.
        patches: how many places a convolution should be shown. Where images have many, as in the
            first layers, that takes fewer images, and their large maps need not all be held.
    """
    with progress(len(network.backbone), label, "layer") as bar:
        for stage in _stages(network.backbone):
            first = next(layer for _, layer in stage if isinstance(layer, nn.Conv2d))
            count = _batches_for(patches, first, wanted)
            few_given, few_wanted = given[:count], wanted[:count]
            del given[:count], wanted[:count]  # held as long as they are needed, and no longer
            for name, layer in stage:
                original = teacher.backbone.get_submodule(name)
                seen = few_wanted[:SEEN_BATCHES]
                _advance(original, few_wanted)
                if isinstance(layer, nn.Conv2d):
                    key = f"backbone.{name}.weight"
                    yield PairedConvolution(key, layer, original, few_given, few_wanted, seen)
                _advance(layer, few_given)
                bar.update()
            # Each batch through the whole stage: never all of the stage's large maps at once.
            _advance(nn.Sequential(*(layer for _, layer in stage)), given)
            originals = [teacher.backbone.get_submodule(name) for name, _ in stage]
            _advance(nn.Sequential(*originals), wanted)
            given[:0], wanted[:0] = few_given, few_wanted


def paired_features(
    network: PlaceNet, teacher: PlaceNet, batches: Iterable[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """What the backbones of both make of each batch of images."""
    for batch in batches:
        yield network.features(batch), teacher.features(batch)


def whitening_samples(
    network: PlaceNet, teacher: PlaceNet, features: Iterable[tuple[Tensor, Tensor]], count: int
) -> tuple[Tensor, Tensor]:
    """([n, D] what the whitening sees in `network`, [n, F] what it makes in `teacher`)

    Args:
        features: of both, by batch (`paired_features`).
        count: of images in all, for the progress bar.
    """
    seen, wanted = [], []
    with progress(count, "whitening", "crop") as bar:
        for own, original in features:
            seen.append(network.netvlad(own))
            wanted.append(teacher.whitening(teacher.netvlad(original)))
            bar.update(len(own))
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
    # Filled in place: this is the largest matrix there is, and must not be held twice.
    length = channels * math.prod(layer.kernel_size)
    rows = inputs[0].new_empty(sum(map(len, places)), length)
    start = 0
    for image, place in zip(images, places, strict=True):
        seen = F.unfold(
            image[None, own], layer.kernel_size, padding=layer.padding, stride=layer.stride
        )
        rows[start : start + len(place)] = seen[0][:, place].t()
        start += len(place)
    return rows
