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
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import (
    SEEN_BATCHES,
    PairedConvolution,
    crops_for,
    drawn_places,
    inputs_at,
    outputs_at,
    paired_convolutions,
    paired_features,
    projection_samples,
)
from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.compression.rd.descent import descend
from pocketvlad.compression.rd.prior import group_prior
from pocketvlad.compression.rd.rounding import (
    feedback,
    round_in_order,
    round_with_few_samples,
    second_moments,
)
from pocketvlad.compression.rd.sensitivity import sensitivity
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import CropSource
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.kernel_transform import cosine_basis
from pocketvlad.format.quantized_tensor import QuantizedTensor, grid
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible, compressible_of
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.retrieval.coinciding import (
    CoincidingError,
    require_distinct,
    require_finite,
)

MAX_MULTIPLE = 127  # largest multiple of a step: 255 levels


_LEAST = 1e-12  # second moment of inputs that are taken to be there


def from_multiples(
    multiples: np.ndarray, step: float, transformed: bool = False
) -> QuantizedTensor:
    """Whole multiples, -MAX_MULTIPLE to MAX_MULTIPLE, of `step` as codes and levels.

    Args:
        transformed: see `QuantizedTensor`.
    """
    most = int(np.abs(multiples).max(initial=0))
    levels = grid(-most * step, most * step, 2 * most + 1) if most else np.empty(0, np.float32)
    codes = np.where(multiples == 0, 0, multiples + most + 1).astype(np.uint8)
    codebook = np.concatenate([np.zeros(1, np.float32), levels])
    return QuantizedTensor(codes, codebook, transformed=transformed)


def _quantized(
    weight: Tensor, multiples: Tensor, step: float, transformed: bool = False
) -> QuantizedTensor:
    """The layer as codes; `weight` becomes what they stand for."""
    whole = multiples.round().to(torch.int16).cpu().numpy().reshape(weight.shape)
    quantized = from_multiples(whole, step, transformed)
    weight.copy_(torch.from_numpy(quantized.dequantize()))
    return quantized


def _basis(layer: nn.Conv2d) -> Tensor:
    return torch.from_numpy(cosine_basis(*layer.kernel_size)).to(layer.weight.device)


def _to_coefficients(rows: Tensor, basis: Tensor) -> Tensor:
    """Rows [R, C K] of C kernels each, as their coefficients (see `kernel_transform`)."""
    return (rows.unflatten(1, (-1, len(basis))) @ basis.t()).flatten(1)


def _centre(samples: Tensor, layer: nn.Conv2d) -> Tensor:
    """[D] The mean of samples [n, D], which the bias makes good; without one, nothing does."""
    mean = samples.mean(dim=0)
    return mean if layer.bias is not None else torch.zeros_like(mean)


def _equations(
    pair: PairedConvolution,
    group: int,
    rows: slice,
    places: Sequence[Tensor],
    wanted: Tensor,
    damping: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """What the best coefficients of a group's kernels follow from, B / H.

    For the inputs as they are now, drawn to the weights of the uncompressed layer where the
    samples say little.

    Args:
        rows: the group's outputs.
        wanted: [P, R], centred.

    Returns:
        [D] mean inputs; [D, D] moments H and [R, D] right-hand sides B, of coefficients.
    """
    seen = inputs_at(pair.given, places, pair.layer, group)
    centre = _centre(seen, pair.layer)
    seen -= centre
    weight = pair.original.weight[rows].flatten(1)
    moments = (second_moments(seen) / len(seen)).double()
    cross = (wanted.t() @ seen / len(seen)).double()
    # A group whose input is zero everywhere (a channel that a ReLU has shut) leaves it open.
    own = damping * moments.diagonal().mean().clamp_min(_LEAST)
    moments.diagonal().add_(own)
    basis = _basis(pair.layer)
    right = _to_coefficients(cross + own * weight.double(), basis)
    return centre, _to_coefficients(_to_coefficients(moments, basis).t(), basis), right


@dataclass(frozen=True)
class _Group:
    """What the coefficients of one group of a convolution are rounded by.

    moments, best: [D, D] and [R, D], those that the outputs wanted ask for.  target, factor: [R, D]
    drawn to zero, and what errors are fed back by (`feedback`).
    """

    moments: Tensor
    best: Tensor
    target: Tensor
    factor: Tensor


def _prepared(moments: Tensor, right: Tensor, draw: float, dtype: torch.dtype) -> _Group:
    """
    Args:
        moments, right: of `_equations`.
        draw: what is added to the moments so that weights are drawn to zero, for bits. Where an
            input is so small that the error allowed would hide a weight of ordinary size, the
            weight is not worth any: as in reverse water-filling; and what a decision-feedback
            equaliser of least mean squares has over one that forces errors to zero.
    """
    best = torch.cholesky_solve(right.t(), torch.linalg.cholesky(moments)).t()
    drawn = moments.clone()
    drawn.diagonal().add_(draw)
    factor = feedback(drawn)
    # The inverse of the moments is the factor's square.
    target = right @ factor.t() @ factor
    return _Group(moments.to(dtype), best.to(dtype), target.to(dtype), factor)


def _round_convolution(
    pair: PairedConvolution,
    error: float,
    settings: RoundingSettings,
    generator: torch.Generator,
) -> QuantizedTensor:
    """Round a layer so that its outputs come close to those wanted; its biases follow.

    Args:
        error: the variance that rounding one weight may add to its output.
    """
    layer = pair.layer
    places = drawn_places(pair.wanted, settings.patches, generator)
    wanted = outputs_at(pair.wanted, places)
    means = _centre(wanted, layer)
    wanted -= means
    size = layer.out_channels // layer.groups
    slices = [slice(group * size, (group + 1) * size) for group in range(layer.groups)]
    draw = error / float(pair.original.weight.square().mean())
    groups, centres = [], []
    for group, own in enumerate(slices):
        equations = _equations(pair, group, own, places, wanted[:, own], settings.damping)
        centre, moments, right = equations
        centres.append(centre)
        groups.append(_prepared(moments, right, draw, wanted.dtype))
    left = torch.cat([group.factor.diagonal() for group in groups]).log().mean().mul(-2).exp()
    largest = max(float(group.target.abs().max()) for group in groups)
    step = max(math.sqrt(12 * error / float(left)), largest / MAX_MULTIPLE)
    kernel = layer.weight[0, 0].numel()
    multiples = torch.empty_like(layer.weight).flatten(1)
    for own, group in zip(slices, groups, strict=True):
        multiples[own] = descend(
            round_in_order(group.target, group.factor, step, MAX_MULTIPLE),
            group.best,
            group.moments,
            step,
            settings.multiplier * error,
            kernel,
            MAX_MULTIPLE,
            settings.sweeps,
        )
    quantized = _quantized(layer.weight, multiples, step, transformed=kernel > 1)
    for own, centre in zip(slices, centres, strict=True) if layer.bias is not None else ():
        layer.bias[own] = means[own] - layer.weight[own].flatten(1) @ centre
    return quantized


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
    _require_content(batches, described)
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
        found[pair.name] = _round_convolution(pair, allowed, settings, generator)
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
    quantized = _quantized(layer.weight, multiples, step)
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

    Raises:
        CoincidingError: the crops do not differ, or not to the network.
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
