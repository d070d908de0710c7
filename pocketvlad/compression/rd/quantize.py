"""A network rounded layer after layer, each given what those before it have become.

How coarse a layer's step is follows from one figure, the squared distance that rounding a weight
may move the descriptor. An error of variance step^2 / 12 in a weight moves it by s g step^2 / 12:
s, how sensitive the descriptor is to the layer's outputs, g, how much of an input the later columns
cannot answer for, as a geometric mean. Equal figures for all weights are the best share-out of bits
where steps are fine (reverse water-filling; Cover & Thomas, chapter 10); where they are coarse,
the weights that matter little end as zeros by themselves.
"""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import crops_for, projection_samples
from pocketvlad.compression.paired_layers import (
    SEEN_BATCHES,
    paired_convolutions,
    paired_features,
)
from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.compression.rd.convolution import round_convolution
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, quantized_in_place
from pocketvlad.compression.rd.prior import group_prior
from pocketvlad.compression.rd.rounding import round_with_few_samples
from pocketvlad.compression.rd.sensitivity import sensitivity
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible, compressible_of
from pocketvlad.networks.network import RetrievalNetwork


def _round_convolutions(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    batches: Sequence[Tensor],
    error: float,
    settings: RoundingSettings,
    generator: torch.Generator,
) -> tuple[dict[str, QuantizedTensor], list[tuple[Tensor, Tensor]]]:
    """First to last: each gets its inputs from those rounded before it.

    Args:
        error: the squared distance that rounding one weight may move the descriptor.

    Returns:
        the layers as codes; by batch, what the backbones then make of it (`paired_features`).
    """
    described = [teacher(batch) for batch in batches[:SEEN_BATCHES]]
    found, features = {}, []
    walk = paired_convolutions(
        network, teacher, batches, settings.patches, "rounding", features=features
    )
    for pair in walk:
        found_by_batch = [
            sensitivity(teacher, pair, batch, described[batch], generator)
            for batch in range(len(pair.seen))
        ]
        # Single images may be far off: a mean of logarithms.
        allowed = error / statistics.geometric_mean(found_by_batch)
        found[pair.name] = round_convolution(pair, allowed, settings, generator)
    return found, features


def _round_linear(
    layer: nn.Linear,
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    features: Iterable[tuple[Tensor, Tensor]],
    error: float,
    settings: RoundingSettings,
) -> QuantizedTensor:
    inputs, outputs = projection_samples(network, teacher, features, settings.projection_crops)
    # The descriptor is the output over its length.
    sensitive = 1 / float(outputs.square().sum(dim=1).mean())
    centre, means = inputs.mean(dim=0), outputs.mean(dim=0)
    inputs -= centre
    step = math.sqrt(12 * error / (sensitive * float(inputs.square().mean())))
    step = max(step, float(layer.weight.abs().max()) / MAX_MULTIPLE)
    groups = network.pooling.column_groups(inputs.shape[1])
    prior = group_prior(inputs, groups, settings.ridge, settings.pooled)
    multiples = round_with_few_samples(
        layer.weight, inputs, outputs - means, step, MAX_MULTIPLE, prior
    )
    quantized = quantized_in_place(layer.weight, multiples, step)
    layer.bias.copy_(means - layer.weight @ centre)
    return quantized


@torch.no_grad()
def round_network(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    source: CropSource,
    crops: CropSettings,
    distortion: float,
    settings: RoundingSettings,
    seed: int,
) -> dict[str, QuantizedTensor]:
    """Round every layer of `network`, a copy of `teacher`, in place; biases follow.

    Args:
        network, teacher: `shortened` to the length that the settings have.
        crops: how crops of the training city are cut; how many, `settings` say.
        distortion: the squared distance between the descriptors of both that the rounding may
            cause, as far as it can be foretold (it comes out larger where steps are coarse).

    Returns:
        by compressible tensor its codes and levels.
    """
    generator = np.random.default_rng(seed)
    own = torch.Generator().manual_seed(int(generator.integers(2**31)))

    def cut(count: int) -> Iterator[Tensor]:
        return crops_for(network, source, crops, count, generator)

    projection = compressible_of(network, Part.PROJECTION)
    kept = dict(compressible(network))
    kept |= {name: weight[: settings.length] for name, weight in projection.items()}
    error = distortion / sum(weight.numel() for weight in kept.values())
    batches = list(cut(settings.crops))
    found, features = _round_convolutions(network, teacher, batches, error, settings, own)
    for name, weight in compressible_of(network, Part.POOLING).items():
        found[name] = quantize_tensor(weight.cpu().numpy(), "uniform-row", settings.cluster_bits)
        weight.copy_(torch.from_numpy(found[name].dequantize()))
    if layer := network.projection.linear:
        if (more := settings.projection_crops - settings.crops) > 0:
            features += paired_features(network, teacher, cut(more))
        [name] = projection
        found[name] = _round_linear(layer, network, teacher, features, error, settings)
    return found
