"""A network whose layers become blocks from first to last, each with the inputs that it then has.

As in `rd`, a layer's targets are its outputs in the base model, and biases correct the means.
"""

import itertools

import torch
from torch import Tensor, nn

from pocketvlad.baselines.rivals.product.blocks import Blocked, block_size
from pocketvlad.baselines.rivals.product.codebook import blocked
from pocketvlad.baselines.rivals.product.moments import FullMoments, SampleMoments
from pocketvlad.compression.layer_samples import (
    drawn_places,
    inputs_at,
    outputs_at,
    projection_samples,
)
from pocketvlad.compression.paired_layers import (
    PairedConvolution,
    paired_convolutions,
    paired_features,
)
from pocketvlad.compression.rd.clusters import round_clusters
from pocketvlad.compression.rd.crops import DrawnCrops
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.networks.labels import linear_projection
from pocketvlad.networks.network import RetrievalNetwork

_STEPS, _PROJECTION_STEPS = 20, 10  # of conjugate gradients
_PATCHES = 0.5  # of the places that `rd` rounds a convolution on: an entry has many weights


def _quantize_convolution(
    pair: PairedConvolution,
    size: int,
    centres: int,
    settings: RoundingSettings,
    generator: torch.Generator,
    seed: int,
) -> Blocked:
    layer, original = pair.layer, pair.original.weight
    biased = layer.bias is not None
    places = drawn_places(pair.wanted, round(_PATCHES * settings.patches), generator)
    wanted = outputs_at(pair.wanted, places)
    means = wanted.mean(dim=0)
    if biased:  # it corrects the means
        wanted -= means
    outputs = layer.out_channels // layer.groups
    by_group, cross, centred = [], [], []
    for group in range(layer.groups):
        own = slice(group * outputs, (group + 1) * outputs)
        [seen] = inputs_at(pair.given, places, layer, range(group, group + 1))
        centred.append(seen.mean(dim=0))
        if biased:
            seen -= centred[-1]
        moments = seen.t() @ seen / len(seen)
        # Where the samples say little, weights stay near those of the base model.
        ridge = float(settings.damping * moments.diagonal().mean().clamp_min(1e-12))
        moments.diagonal().add_(ridge)
        by_group.append(moments)
        cross.append(wanted[:, own].t() @ seen / len(seen) + ridge * original[own].flatten(1))
    moments = FullMoments(by_group)
    found = blocked(original, size, centres, moments, torch.cat(cross), _STEPS, seed)
    layer.weight.copy_(torch.from_numpy(found.decode()))
    if biased:
        parts = zip(layer.weight.flatten(1).chunk(layer.groups), centred, strict=True)
        layer.bias.copy_(means - torch.cat([part @ centre for part, centre in parts]))
    return found


def _quantize_linear(
    layer: nn.Linear,
    inputs: Tensor,
    outputs: Tensor,
    size: int,
    centres: int,
    settings: RoundingSettings,
    seed: int,
) -> Blocked:
    """Rows that are left out are at the end, and stay zero.

    Args:
        inputs, outputs: [n, P] and [n, F], those that it has, and those that it should have.
    """
    kept = settings.length or len(layer.weight)
    centre, means = inputs.mean(dim=0), outputs.mean(dim=0)
    if layer.bias is None:  # nothing corrects the means
        centre, means = torch.zeros_like(centre), torch.zeros_like(means)
    inputs = inputs - centre
    weight = layer.weight[:kept]
    moments = SampleMoments(inputs, float(settings.ridge * inputs.square().mean()))
    wanted = (outputs - means)[:, :kept]
    cross = wanted.t() @ inputs / len(inputs) + moments.ridge * weight
    found = blocked(weight, size, centres, moments, cross, _PROJECTION_STEPS, seed)
    found = Blocked(found.codes, found.codebook, found.order, tuple(layer.weight.shape))
    layer.weight.copy_(torch.from_numpy(found.decode()))
    if layer.bias is not None:
        layer.bias.copy_(means - layer.weight @ centre)
    return found


@torch.no_grad()
def quantize_layers(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    drawn: DrawnCrops,
    kernel_weights: int,
    columns: int,
    centres: int,
    settings: RoundingSettings,
    seed: int,
) -> dict[str, Blocked | QuantizedTensor]:
    """Quantize every layer of `network`, a copy of `teacher`, in place; biases follow.

    The first convolution, which has a ten-thousandth of the weights, stays as it is (as in both
    papers). The pooling's clusters are quantized as by `rd`.

    Args:
        kernel_weights, columns: see `block_size`.
        centres: of every layer, fewer where it has few blocks.
        settings: those of `rd`; the same numbers of crops.

    Returns:
        by tensor what it has become; without the first convolution.
    """
    found: dict[str, Blocked | QuantizedTensor] = {}
    features: list[tuple[Tensor, Tensor]] = []
    pairs = paired_convolutions(
        network, teacher, drawn.batches, settings.patches, "blocks", features=features
    )
    for pair in itertools.islice(pairs, 1, None):
        size = block_size(pair.layer.weight.shape, kernel_weights, columns)
        found[pair.name] = _quantize_convolution(pair, size, centres, settings, drawn.places, seed)
    found |= round_clusters(network, settings.cluster_bits)
    if projection := linear_projection(network):
        name, layer = projection
        features += paired_features(network, teacher, drawn.more)
        inputs, outputs = projection_samples(
            network, teacher, features, settings.seen_by_projection
        )
        size = block_size(layer.weight.shape, kernel_weights, columns)
        found[name] = _quantize_linear(layer, inputs, outputs, size, centres, settings, seed)
    return found
