"""A network rounded layer after layer, each with the inputs that the rounded layers before it give.

One number sets the step of every convolution: the squared distance that rounding a weight may move
the descriptor. An error of variance step^2 / 12 in a weight moves it by s g step^2 / 12. s is the
sensitivity of the descriptor to the layer's outputs. g is the part of an input that later columns
cannot compensate, as a geometric mean. The same number for all weights is the optimal bit
allocation where steps are fine (reverse water-filling; Cover & Thomas, chapter 10). Where steps are
coarse, weights that matter little round to zero. Of the projection's weights most do; the others
have a number of their own (`allowance`, `water_level`).
"""

import copy
import math
from collections.abc import Iterable, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import centre_of, projection_samples
from pocketvlad.compression.paired_layers import paired_convolutions, paired_features
from pocketvlad.compression.rd.allowance import allowed_errors
from pocketvlad.compression.rd.axes import column_scales, principal_directions
from pocketvlad.compression.rd.clusters import round_clusters
from pocketvlad.compression.rd.convolution import AllowedErrors, round_convolution
from pocketvlad.compression.rd.crops import DrawnCrops, drawn_crops
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, quantized_in_place
from pocketvlad.compression.rd.prior import group_prior
from pocketvlad.compression.rd.rounding import round_with_few_samples
from pocketvlad.compression.rd.sensitivity import Sensitivity, sensitivities
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.stream_axes import turn_streams
from pocketvlad.compression.rd.unread import clear_unread
from pocketvlad.compression.rd.water_level import water_level
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Part
from pocketvlad.networks.graph import Graph, weighted_steps
from pocketvlad.networks.labels import compressible, compressible_of, linear_projection
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.rotation import is_rotatable, rotate_features
from pocketvlad.retrieval.coinciding import (
    CoincidingError,
    require_distinct,
    require_finite,
)

_FEW = 8  # batches of crops that sensitivities are measured on
_LEAST_SHARE = 1e-4  # of the mean sensitivity of a layer's outputs: none is taken to be less
_TINY = 1e-30


def _require_content(batches: Sequence[Tensor], described: Sequence[Tensor]) -> None:
    """Raises CoincidingError where the crops say nothing: most are of one colour all over, or are
    one image to the network."""
    spans = torch.cat([(each.amax((2, 3)) - each.amin((2, 3))).amax(1) for each in batches])
    flat = int((spans == 0).sum())
    if flat > len(spans) / 2:
        raise CoincidingError(
            f"{flat} of {len(spans)} crops of the photographs are of one colour all over: nothing "
            "can be rounded on them; take other photographs"
        )
    rows = torch.cat(list(described)).float().cpu().numpy()
    names = [f"crop {number}" for number in range(len(rows))]
    require_finite(rows, names)
    require_distinct(rows, names, "crops of the photographs")


def _require_reached(network: RetrievalNetwork) -> None:
    """Raises ValueError where no step of the rounding would come to a weight; names it."""
    steps = weighted_steps(network.backbone, Graph.of(network.backbone))
    called = tuple(f"{Part.BACKBONE}.{step.target}." for step, _ in steps)
    reached = set(compressible_of(network, Part.POOLING))
    if found := linear_projection(network):
        reached.add(found[0])
    for name, _ in compressible(network):
        if name not in reached and not name.startswith(called):
            raise ValueError(
                f"{name} cannot be rounded: only layers that the backbone calls, the pooling's "
                "clusters and what the projection calls `linear` can; leave its layer uncompressed "
                "by `networks.modules.kept.kept`"
            )


def _allowed(sensitive: Sensitivity, error: float, error_of_fine: float) -> AllowedErrors:
    outputs, biases = sensitive.outputs, sensitive.biases
    least = _LEAST_SHARE * outputs.mean().clamp_min(_TINY)
    return AllowedErrors(
        error / outputs.clamp_min(least), error_of_fine / max(float(biases.mean()), _TINY)
    )


def _round_convolutions(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    drawn: DrawnCrops,
    error: float,
    error_of_fine: float,
    settings: RoundingSettings,
) -> tuple[dict[str, QuantizedTensor], list[tuple[Tensor, Tensor]]]:
    """From first to last: each gets its inputs from the rounded layers before it.

    Args:
        error, error_of_fine: the squared distances that rounding one weight, and one bias, may move
            the descriptor.

    Returns:
        the layers as codes; by batch, what the backbones then make of it (`paired_features`).
    """
    sensitive = sensitivities(teacher, drawn.batches[:_FEW], drawn.places)
    found, features = {}, []
    walk = paired_convolutions(
        network, teacher, drawn.batches, settings.patches, "rounding", features=features
    )
    for pair in walk:
        allowed = _allowed(sensitive[pair.name], error, error_of_fine)
        found[pair.name] = round_convolution(pair, allowed, settings, drawn.places)
    return found, features


def _set_bias(layer: nn.Linear, bias: Tensor) -> None:
    if layer.bias is not None:
        layer.bias.copy_(bias)


def _round_linear(
    layer: nn.Linear,
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    features: Iterable[tuple[Tensor, Tensor]],
    error: float,
    settings: RoundingSettings,
) -> QuantizedTensor:
    count = settings.seen_by_projection
    inputs, outputs = projection_samples(network, teacher, features, count)
    # The descriptor is the output over its length.
    sensitive = 1 / float(outputs.square().sum(dim=1).mean())
    centre, means = (centre_of(each, layer) for each in (inputs, outputs))
    inputs -= centre
    if not inputs.any():  # all crops are one to the rounded layers before: the bias says it all
        quantized = quantized_in_place(layer.weight, torch.zeros_like(layer.weight), 1.0)
        _set_bias(layer, means)
        return quantized
    groups = network.pooling.column_groups(inputs.shape[1])
    scales = column_scales(inputs, groups)
    prior = [
        (own, scales[own, None] * moments * scales[own])
        for own, moments in group_prior(inputs, groups, settings.ridge, settings.pooled)
    ]
    inputs *= scales
    weight = layer.weight / scales
    squares = weight[: settings.length].square().mean(dim=0)
    level = water_level(squares, inputs.square().mean(dim=0), error / sensitive)
    step = math.sqrt(12 * level)
    step = max(step, float(weight.abs().max()) / MAX_MULTIPLE)
    multiples = round_with_few_samples(weight, inputs, outputs - means, step, MAX_MULTIPLE, prior)
    own_scales = scales.cpu().numpy()
    quantized = quantized_in_place(layer.weight, multiples, step, input_scales=own_scales)
    _set_bias(layer, means - layer.weight @ centre)
    return quantized


def round_projection(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    features: Iterable[tuple[Tensor, Tensor]],
    error: float,
    settings: RoundingSettings,
) -> dict[str, QuantizedTensor]:
    """Round the linear layer of the projection in place, as it is in `network`; nothing where there
    is none.

    Args:
        features: what the backbones of both make of the crops, by batch; not asked for in vain.
        error: the squared distance that rounding one weight may move the descriptor.

    Returns:
        by its name, the layer as codes.
    """
    found = linear_projection(network)
    if not found:
        return {}
    name, layer = found
    return {name: _round_linear(layer, network, teacher, features, error, settings)}


@torch.no_grad()
def round_in_axes(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    source: CropSource,
    crops: CropSettings,
    distortion: float,
    settings: RoundingSettings,
    seed: int,
) -> tuple[dict[str, QuantizedTensor], RetrievalNetwork]:
    """`round_network`, and the teacher in the axes that `network` was rounded in: its descriptors
    are those of `teacher`."""
    _require_reached(network)
    error, error_of_fine = allowed_errors(network, distortion, settings)
    drawn = drawn_crops(network, source, crops, settings, seed)
    _require_content(drawn.batches, [teacher(batch) for batch in drawn.batches[:_FEW]])
    unrotated = teacher
    turned = turn_streams(network, drawn.batches)
    if is_rotatable(network):
        rotate_features(network, principal_directions(network, drawn.batches))
        turned = True
    if turned:
        teacher = copy.deepcopy(network)
    found, features = _round_convolutions(network, teacher, drawn, error, error_of_fine, settings)
    found |= round_clusters(network, settings.cluster_bits, unrotated)
    more = paired_features(network, teacher, drawn.more)
    found |= round_projection(network, teacher, chain(features, more), error_of_fine, settings)
    return clear_unread(network, found), teacher


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

    Streams and features are turned first where descriptors stay the same (`stream_axes`, `axes`),
    and what no layer reads is cleared at the end (`unread`). `teacher` is not changed.

    Args:
        network, teacher: `shortened` to the length that the settings have.
        crops: how crops of the training city are cut; `settings` say how many.
        distortion: the squared distance between the descriptors of both that the rounding is
            predicted to cause. The measured one is larger where steps are coarse.

    Returns:
        by compressible tensor its codes and levels.

    Raises:
        CoincidingError: the crops do not differ, or not to the network.
    """
    return round_in_axes(network, teacher, source, crops, distortion, settings, seed)[0]
