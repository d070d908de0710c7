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
import statistics
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import projection_samples
from pocketvlad.compression.paired_layers import (
    SEEN_BATCHES,
    paired_convolutions,
    paired_features,
)
from pocketvlad.compression.rd.allowance import allowed_errors
from pocketvlad.compression.rd.axes import column_scales, principal_directions
from pocketvlad.compression.rd.clusters import round_clusters
from pocketvlad.compression.rd.convolution import round_convolution
from pocketvlad.compression.rd.crops import DrawnCrops, drawn_crops
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, quantized_in_place
from pocketvlad.compression.rd.prior import group_prior
from pocketvlad.compression.rd.rounding import round_with_few_samples
from pocketvlad.compression.rd.sensitivity import sensitivity
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.water_level import water_level
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible_of
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.rotation import is_rotatable, rotate_features
from pocketvlad.retrieval.coinciding import (
    CoincidingError,
    require_distinct,
    require_finite,
)


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


def _round_convolutions(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    drawn: DrawnCrops,
    described: Sequence[Tensor],
    error: float,
    settings: RoundingSettings,
) -> tuple[dict[str, QuantizedTensor], list[tuple[Tensor, Tensor]]]:
    """From first to last: each gets its inputs from the rounded layers before it.

    Args:
        described: descriptors by `teacher` of the first batches.
        error: the squared distance that rounding one weight may move the descriptor.

    Returns:
        the layers as codes; by batch, what the backbones then make of it (`paired_features`).
    """
    found, features = {}, []
    walk = paired_convolutions(
        network, teacher, drawn.batches, settings.patches, "rounding", features=features
    )
    for pair in walk:
        found_by_batch = [
            sensitivity(teacher, pair, batch, described[batch], drawn.places)
            for batch in range(len(pair.seen))
        ]
        # Single images may be far off: a mean of logarithms.
        allowed = error / statistics.geometric_mean(found_by_batch)
        found[pair.name] = round_convolution(pair, allowed, settings, drawn.places)
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

    Features are rotated first where descriptors stay the same (`axes`); `teacher` is not changed.

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
    error, error_of_projection = allowed_errors(network, distortion, settings)
    drawn = drawn_crops(network, source, crops, settings, seed)
    described = [teacher(batch) for batch in drawn.batches[:SEEN_BATCHES]]
    _require_content(drawn.batches, described)
    unrotated = teacher
    if is_rotatable(network):
        rotate_features(network, principal_directions(network, drawn.batches))
        teacher = copy.deepcopy(network)
    found, features = _round_convolutions(network, teacher, drawn, described, error, settings)
    found |= round_clusters(network, settings.cluster_bits, unrotated)
    if layer := network.projection.linear:
        features += paired_features(network, teacher, drawn.more)
        [name] = compressible_of(network, Part.PROJECTION)
        found[name] = _round_linear(
            layer, network, teacher, features, error_of_projection, settings
        )
    return found
