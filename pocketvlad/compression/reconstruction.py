"""Layer by layer: the surviving weights whose outputs are closest to the uncompressed layer's.

A few hundred gradient steps cannot repair what pruning breaks in thirteen convolutions and the
whitening. But each of these layers is linear. With inputs from the pruned network and targets from
the uncompressed one, the best survivors are the solution of a small least-squares problem (Hubara
et al., "Accelerated Sparse Neural Training", NeurIPS 2021, and their AdaPrune; He et al., ICCV
2017, for whole channels). No label is needed. For a convolution, every place of a crop is an
equation, so tens of crops suffice. For the whitening, a crop is one equation; some hundred
equations are far fewer than its unknowns, and the start decides the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import (
    crops_for,
    drawn_places,
    inputs_at,
    outputs_at,
    projection_samples,
)
from pocketvlad.compression.least_squares import masked_least_squares
from pocketvlad.compression.paired_layers import paired_convolutions, paired_features
from pocketvlad.compression.settings import ReconstructionSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.networks.labels import linear_projection
from pocketvlad.networks.network import RetrievalNetwork

_COLUMNS = 256  # of the inputs of groups that are cut out together
_RIDGE = 1e-4  # of the mean of the gram matrix's diagonal: for directions without data


def _with_bias(alive: Tensor) -> Tensor:
    """[O, D + 1] Which of the weights [O, D] survive; the bias always does."""
    return torch.cat([alive, alive.new_ones(len(alive), 1)], dim=1)


def _seen_by_groups(
    layer: nn.Conv2d, inputs: Sequence[Tensor], places: Sequence[Tensor]
) -> Iterator[Tensor]:
    """[P, D] What each group of `layer` sees. Of small groups, such as those of a depthwise
    convolution, many are cut out together."""
    length = layer.weight[0].numel()
    together = max(1, _COLUMNS // length)
    for start in range(0, layer.groups, together):
        groups = range(start, min(start + together, layer.groups))
        yield from inputs_at(inputs, places, layer, groups)


def _reconstruct_convolution(
    layer: nn.Conv2d,
    mask: Tensor,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    settings: ReconstructionSettings,
    generator: torch.Generator,
) -> None:
    """Set the survivors and the biases of `layer` from its inputs and the wanted outputs."""
    places = drawn_places(outputs, settings.patches, generator)
    wanted = outputs_at(outputs, places)
    size = layer.out_channels // layer.groups
    for group, seen in enumerate(_seen_by_groups(layer, inputs, places)):
        own = slice(group * size, (group + 1) * size)
        start, alive = layer.weight[own].flatten(1), ~mask[own].flatten(1)
        if layer.bias is not None:
            seen = torch.cat([seen, seen.new_ones(len(seen), 1)], dim=1)
            start = torch.cat([start, layer.bias[own, None]], dim=1)
            alive = _with_bias(alive)
        gram = seen.t() @ seen / len(seen)
        gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
        multiply = partial(torch.matmul, other=gram)
        cross = wanted[:, own].t() @ seen / len(seen)
        found = masked_least_squares(
            start, alive, multiply, gram.diagonal(), cross, settings.iterations
        )
        weights = layer.weight[own]
        layer.weight[own] = found[:, : weights[0].numel()].reshape(weights.shape)
        if layer.bias is not None:
            layer.bias[own] = found[:, -1]


def _reconstruct_convolutions(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    masks: Mapping[str, Tensor],
    batches: Iterable[Tensor],
    settings: ReconstructionSettings,
    generator: np.random.Generator,
) -> None:
    """From first to last: each gets its inputs from the refitted layers before it."""
    batches = list(batches)  # which draws from `generator`
    own = torch.Generator().manual_seed(int(generator.integers(2**31)))
    for pair in paired_convolutions(network, teacher, batches, settings.patches, "convolutions"):
        mask = masks[pair.name]
        _reconstruct_convolution(pair.layer, mask, pair.given, pair.wanted, settings, own)


def _reconstruct_linear(
    layer: nn.Linear,
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    mask: Tensor,
    batches: Iterable[Tensor],
    settings: ReconstructionSettings,
) -> None:
    """In the space of the samples: D is 32,768 in the paper's networks, so G is never formed."""
    crops = settings.projection_crops
    features = paired_features(network, teacher, batches)
    inputs, outputs = projection_samples(network, teacher, features, crops)
    start, alive = layer.weight, ~mask
    if layer.bias is not None:
        inputs = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1)
        start = torch.cat([start, layer.bias[:, None]], dim=1)
        alive = _with_bias(alive)
    found = masked_least_squares(
        start,
        alive,
        lambda rows: rows @ inputs.t() @ inputs / len(inputs),
        inputs.square().mean(dim=0),
        outputs.t() @ inputs / len(inputs),
        settings.projection_iterations,
    )
    layer.weight.copy_(found[:, : layer.in_features])
    if layer.bias is not None:
        layer.bias.copy_(found[:, -1])


@torch.no_grad()
def reconstruct(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    masks: Mapping[str, Tensor],
    source: CropSource,
    crops: CropSettings,
    settings: ReconstructionSettings,
    generator: np.random.Generator,
) -> None:
    """Refit the convolutions and the projection of `network` to what `teacher` computes.

    Args:
        masks: true where a weight is pruned and stays zero, by parameter name.
        crops: how the crops are cut. `settings` say how many; with 0, layers are not refitted.
    """
    if settings.crops:
        own = crops_for(network, source, crops, settings.crops, generator)
        _reconstruct_convolutions(network, teacher, masks, own, settings, generator)
    projection = linear_projection(network)
    if settings.projection_crops and projection:
        name, layer = projection
        own = crops_for(network, source, crops, settings.projection_crops, generator)
        _reconstruct_linear(layer, network, teacher, masks[name], own, settings)
