"""Layer by layer: the surviving weights that best give the uncompressed layer's outputs.

A few hundred gradient steps cannot bring back what pruning breaks in thirteen convolutions. Each
convolution alone, though, is linear: given its inputs, as the pruned network before it makes them,
and its outputs in the uncompressed network, the best survivors are a least-squares problem, small
enough to be solved (Hubara et al., "Accelerated Sparse Neural Training", NeurIPS 2021, and their
AdaPrune; He et al., ICCV 2017, for whole channels). No label is needed, and tens of crops suffice,
since every place of an image is an equation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.city_crops import CropSettings, crop_batches
from pocketvlad.model import PlaceNet
from pocketvlad.progress import progress
from pocketvlad.training_city import TrainingImages

_RIDGE = 1e-4  # of the mean of the gram matrix's diagonal: for directions without data


@dataclass(frozen=True)
class ReconstructionSettings:
    """How much data, how long; the config's keys of the same names explain each."""

    crops: int
    patches: int
    iterations: int


def masked_least_squares(
    weight: Tensor, alive: Tensor, gram: Tensor, cross: Tensor, iterations: int
) -> Tensor:
    """Rows w that minimise w gram w' / 2 - cross w', all zero where `alive` is false.

    By conjugate gradients in the space of each row's survivors, all rows at once, preconditioned
    by the diagonal. Few iterations from a good start leave alone what the data says little about.

    Args:
        weight: [O, D], where to start.
        alive: [O, D], boolean.
        gram: [D, D], X'X of the inputs; symmetric, positive.
        cross: [O, D], Y'X of outputs and inputs.

    Returns:
        [O, D].
    """
    scale = gram.diagonal().clamp_min(1e-12).sqrt()
    gram, cross, weight = gram / scale / scale[:, None], cross / scale, weight * scale * alive
    residual = (cross - weight @ gram) * alive
    direction, energy = residual.clone(), residual.square().sum(dim=1)
    for _ in range(iterations):
        image = (direction @ gram) * alive
        step = energy / (direction * image).sum(dim=1).clamp_min(1e-30)
        weight = weight + step[:, None] * direction
        residual = residual - step[:, None] * image
        before, energy = energy, residual.square().sum(dim=1)
        direction = residual + (energy / before.clamp_min(1e-30))[:, None] * direction
    return weight / scale


def _sampled(
    batches: Sequence[Tensor], places: Sequence[Tensor], layer: nn.Conv2d, group: int
) -> Tensor:
    """[P, D + 1] What one group of a convolution sees at `places` of each image, and a one."""
    channels = layer.in_channels // layer.groups
    own = slice(group * channels, (group + 1) * channels)
    rows = []
    images = (image for batch in batches for image in batch)
    for image, place in zip(images, places, strict=True):
        seen = F.unfold(
            image[None, own], layer.kernel_size, padding=layer.padding, stride=layer.stride
        )
        rows.append(seen[0][:, place].t())
    inputs = torch.cat(rows)
    return torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1)


def _reconstruct_layer(
    layer: nn.Conv2d,
    mask: Tensor,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    settings: ReconstructionSettings,
    generator: torch.Generator,
) -> None:
    """Set the survivors and the biases of `layer` from its inputs and the wanted outputs."""
    places = []
    images = sum(len(batch) for batch in outputs)
    for batch in outputs:
        available = batch.shape[2] * batch.shape[3]
        count = min(available, -(-settings.patches // images))
        places += [torch.randperm(available, generator=generator)[:count] for _ in batch]
    wanted = torch.cat(
        [
            image.flatten(1)[:, place].t()
            for image, place in zip(
                (image for batch in outputs for image in batch), places, strict=True
            )
        ]
    )
    size = layer.out_channels // layer.groups
    for group in range(layer.groups):
        own = slice(group * size, (group + 1) * size)
        seen = _sampled(inputs, places, layer, group)
        gram = seen.t() @ seen / len(seen)
        gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
        cross = wanted[:, own].t() @ seen / len(seen)
        start = torch.cat([layer.weight[own].flatten(1), layer.bias[own, None]], dim=1)
        alive = torch.cat([~mask[own].flatten(1), torch.ones(size, 1, dtype=torch.bool)], dim=1)
        found = masked_least_squares(start, alive, gram, cross, settings.iterations)
        layer.weight[own] = found[:, :-1].reshape(layer.weight[own].shape)
        layer.bias[own] = found[:, -1]


@torch.no_grad()
def reconstruct(
    network: PlaceNet,
    teacher: PlaceNet,
    masks: Mapping[str, Tensor],
    images: TrainingImages,
    crops: CropSettings,
    settings: ReconstructionSettings,
    generator: np.random.Generator,
) -> None:
    """Refit every convolution of `network`, first to last, to what `teacher` computes.

    Args:
        masks: true where a weight is pruned and stays zero, by parameter name.
        crops: how the crops are cut; `settings.crops` of them are used.
    """
    wanted = list(crop_batches(images, crops, generator))
    given = list(wanted)
    own = torch.Generator().manual_seed(int(generator.integers(2**31)))
    layers = list(network.backbone.named_children())
    with progress(len(layers), "reconstruction", "layer") as bar:
        for name, layer in layers:
            original = teacher.backbone.get_submodule(name)
            wanted = [original(batch) for batch in wanted]
            if isinstance(layer, nn.Conv2d):
                mask = masks[f"backbone.{name}.weight"]
                _reconstruct_layer(layer, mask, given, wanted, settings, own)
            given = [layer(batch) for batch in given]
            bar.update()
