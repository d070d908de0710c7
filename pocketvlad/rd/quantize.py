"""A network rounded layer after layer, each given what those before it have become.

How coarse a weight's step is follows from one figure, the squared distance that rounding it may
move the descriptor. An error of variance step^2 / 12 in a weight of output r moves it by
s g step^2 / 12: s, how sensitive the descriptor is to that output, g, how much of an input the
later columns cannot answer for, as a geometric mean; for a convolution, whose errors show at all
places alike, times their measured coherence. Equal figures for all weights are the best
share-out of bits where steps are fine (reverse water-filling; Cover & Thomas, chapter 10); where
they are coarse, the rows that matter little end as zeros by themselves.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.city_crops import CropSettings, CropSource
from pocketvlad.kernel_transform import cosine_basis
from pocketvlad.layer_samples import (
    SEEN_BATCHES,
    PairedConvolution,
    crops_for,
    drawn_places,
    inputs_at,
    outputs_at,
    paired_convolutions,
    paired_features,
    whitening_samples,
)
from pocketvlad.model import PlaceNet, compressible
from pocketvlad.quantize import quantize_tensor
from pocketvlad.quantized_tensor import QuantizedTensor, grid
from pocketvlad.rd.descent import descend
from pocketvlad.rd.prior import cluster_prior
from pocketvlad.rd.rounding import (
    column_order,
    feedback,
    round_in_order,
    round_with_few_samples,
    second_moments,
)
from pocketvlad.rd.sensitivity import channel_sensitivities, coherence

MOST = 127  # largest multiple of a step: 255 levels
_LEAST_SENSITIVITY = 1e-3  # of a layer's mean: rows that seem not to matter still get a step
_PROBED_CROPS = 16
_STEPS_AN_OCTAVE = 8


@dataclass(frozen=True)
class RoundingSettings:
    """How layers are rounded; the config's keys of the same names explain each."""

    crops: int
    patches: int
    probes: int
    damping: float
    whitening_crops: int
    ridge: float
    pooled: float
    netvlad_bits: int
    price: float
    sweeps: int


def _stored_steps(steps: Tensor, least: Tensor) -> tuple[float, np.ndarray, Tensor]:
    """(the largest step, each row's relative to it as files hold it, their product [R, 1])

    So few different ones take next to no bytes, and no row is far from its own.

    Args:
        steps: [R], wanted.
        least: [R], with which a row's weights are `MOST` multiples at most.
    """
    largest = float(torch.maximum(steps, least).max())
    smallest = np.finfo(np.float16).smallest_normal
    fine, coarse = (_STEPS_AN_OCTAVE * torch.log2(each / largest) for each in (steps, least))
    # Half precision may round a step down by 2^-11.
    octaves = torch.maximum(fine.round(), (coarse + 2**-7).ceil()).clamp(max=0) / _STEPS_AN_OCTAVE
    scales = np.maximum(torch.exp2(octaves).cpu().numpy().ravel(), smallest).astype(np.float16)
    scales = scales.astype(np.float32)
    stored = torch.from_numpy(scales).to(steps.device) * largest
    return largest, scales, stored[:, None]


def from_multiples(
    multiples: np.ndarray, step: float, scales: np.ndarray | None, transformed: bool = False
) -> QuantizedTensor:
    """Whole multiples, -MOST to MOST, of `step` times each row's scale, as codes and levels.

    Args:
        transformed: see `QuantizedTensor`.
    """
    most = int(np.abs(multiples).max(initial=0))
    levels = grid(-most * step, most * step, 2 * most + 1) if most else np.empty(0, np.float32)
    codes = np.where(multiples == 0, 0, multiples + most + 1).astype(np.uint8)
    codebook = np.concatenate([np.zeros(1, np.float32), levels])
    return QuantizedTensor(codes, codebook, scales, transformed)


def _quantized(
    weight: Tensor, multiples: Tensor, step: float, scales: np.ndarray, transformed: bool = False
) -> QuantizedTensor:
    """The layer as codes; `weight` becomes what they stand for."""
    whole = multiples.round().to(torch.int16).cpu().numpy().reshape(weight.shape)
    quantized = from_multiples(whole, step, scales, transformed)
    weight.copy_(torch.from_numpy(quantized.dequantize()))
    return quantized


def _basis(layer: nn.Conv2d) -> Tensor:
    return torch.from_numpy(cosine_basis(*layer.kernel_size)).to(layer.weight.device)


def _to_coefficients(rows: Tensor, basis: Tensor) -> Tensor:
    """Rows [R, C K] of C kernels each, as their coefficients (see `kernel_transform`)."""
    return (rows.unflatten(1, (-1, len(basis))) @ basis.t()).flatten(1)


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
    centre = seen.mean(dim=0)
    seen -= centre
    weight = pair.original.weight[rows].flatten(1)
    moments = (second_moments(seen) / len(seen)).double()
    cross = (wanted.t() @ seen / len(seen)).double()
    own = damping * moments.diagonal().mean()
    moments.diagonal().add_(own)
    basis = _basis(pair.layer)
    right = _to_coefficients(cross + own * weight.double(), basis)
    return centre, _to_coefficients(_to_coefficients(moments, basis).t(), basis), right


def _draw(weight: Tensor, error: Tensor) -> float:
    """What is added to the moments so that weights are drawn to zero, for bits.

    Where an input is so small that the error allowed would hide a weight of ordinary size, the
    weight is not worth any: as in reverse water-filling; and what a decision-feedback equaliser of
    least mean squares has over one that forces errors to zero.

    Args:
        weight: [R, D].
        error: [R], the variance that rounding one weight may add to its output.
    """
    spread = weight.double().square().mean(dim=1)
    return float(torch.exp((error.double() / spread).log().mean()))


@dataclass(frozen=True)
class _Group:
    """What one group of a convolution is rounded by.

    moments, best: of coefficients, and those that the outputs wanted ask for.  target, factor:
    columns are coefficients in `order`, drawn to zero.  step, least_step: see `_stored_steps`.
    """

    moments: Tensor
    best: Tensor
    order: Tensor
    target: Tensor
    factor: Tensor
    step: Tensor
    least_step: Tensor
    error: Tensor


def _prepared(moments: Tensor, right: Tensor, draw: float, error: Tensor) -> _Group:
    """
    Args:
        moments, right: of `_equations`.
        draw, error: see `_draw`.
    """
    best = torch.cholesky_solve(right.t(), torch.linalg.cholesky(moments)).t()
    drawn = moments.clone()
    drawn.diagonal().add_(draw)
    order = column_order(drawn.diagonal())
    factor = feedback(drawn[order][:, order])
    # The inverse of the moments is the factor's square.
    target = (right[:, order] @ factor.t() @ factor).to(error.dtype)
    left = torch.exp(-2 * factor.diagonal().log().mean())
    step = torch.sqrt(12 * error / left.to(error.dtype))
    least_step = target.abs().amax(dim=1) / MOST
    moments, best = moments.to(error.dtype), best.to(error.dtype)
    return _Group(moments, best, order, target, factor, step, least_step, error)


def _round_convolution(
    pair: PairedConvolution,
    sensitivity: Tensor,
    error: float,
    settings: RoundingSettings,
    generator: torch.Generator,
) -> QuantizedTensor:
    """Round a layer so that its outputs come close to those wanted; its biases follow."""
    layer = pair.layer
    places = drawn_places(pair.wanted, settings.patches, generator)
    wanted = outputs_at(pair.wanted, places)
    means = wanted.mean(dim=0)
    wanted -= means
    size = layer.out_channels // layer.groups
    slices = [slice(group * size, (group + 1) * size) for group in range(layer.groups)]
    groups, centres = [], []
    for group, own in enumerate(slices):
        equations = _equations(pair, group, own, places, wanted[:, own], settings.damping)
        centre, moments, right = equations
        centres.append(centre)
        weight = pair.original.weight[own].flatten(1)
        allowed = error / sensitivity[own]
        groups.append(_prepared(moments, right, _draw(weight, allowed), allowed))
    step, scales, stored = _stored_steps(
        torch.cat([group.step for group in groups]),
        torch.cat([group.least_step for group in groups]),
    )
    kernel = layer.weight[0, 0].numel()
    multiples = torch.empty_like(layer.weight).flatten(1)
    for own, group in zip(slices, groups, strict=True):
        rounded = torch.empty_like(group.best)
        rounded[:, group.order] = round_in_order(group.target, group.factor, stored[own], MOST)
        multiples[own] = descend(
            rounded,
            group.best,
            group.moments,
            stored[own],
            settings.price * group.error,
            kernel,
            MOST,
            settings.sweeps,
        )
    quantized = _quantized(layer.weight, multiples, step, scales, transformed=kernel > 1)
    for own, centre in zip(slices, centres, strict=True):
        layer.bias[own] = means[own] - layer.weight[own].flatten(1) @ centre
    return quantized


def _round_convolutions(
    network: PlaceNet,
    teacher: PlaceNet,
    batches: Sequence[Tensor],
    sensitivities: Mapping[str, Tensor],
    error: float,
    settings: RoundingSettings,
    generator: torch.Generator,
) -> tuple[dict[str, QuantizedTensor], list[tuple[Tensor, Tensor]]]:
    """First to last: each gets its inputs from those rounded before it.

    Returns:
        the layers as codes; by batch, what the backbones then make of it (`paired_features`).
    """
    described = [teacher(batch) for batch in batches[:SEEN_BATCHES]]
    found, given, wanted = {}, list(batches), list(batches)
    walk = paired_convolutions(network, teacher, given, wanted, settings.patches, "rounding")
    for pair in walk:
        share = sensitivities[pair.name].to(network.device)
        share = share.clamp_min(_LEAST_SENSITIVITY * float(share.mean()))
        # Single images may be far off: a mean of logarithms.
        maps = zip(pair.seen, pair.wanted, described, strict=False)
        factors = [coherence(teacher, pair.original, *each, share, generator) for each in maps]
        share = share * statistics.geometric_mean(factors)
        found[pair.name] = _round_convolution(pair, share, error, settings, generator)
    return found, list(zip(given, wanted, strict=True))


def _round_whitening(
    network: PlaceNet,
    teacher: PlaceNet,
    features: Iterable[tuple[Tensor, Tensor]],
    error: float,
    settings: RoundingSettings,
) -> QuantizedTensor:
    inputs, outputs = whitening_samples(network, teacher, features, settings.whitening_crops)
    # The descriptor is the output over its length: all rows matter alike.
    sensitivity = 1 / outputs.square().sum(dim=1).mean()
    centre, means = inputs.mean(dim=0), outputs.mean(dim=0)
    inputs -= centre
    layer = network.whitening
    rows = torch.sqrt(12 * error / (sensitivity * inputs.square().mean())).expand(len(layer.weight))
    step, scales, stored = _stored_steps(rows, layer.weight.abs().amax(dim=1) / MOST)
    clusters = len(network.netvlad.centres)
    prior = cluster_prior(inputs, clusters, settings.ridge, settings.pooled)
    multiples = round_with_few_samples(layer.weight, inputs, outputs - means, stored, MOST, prior)
    quantized = _quantized(layer.weight, multiples, step, scales)
    layer.bias.copy_(means - layer.weight @ centre)
    return quantized


@torch.no_grad()
def round_network(
    network: PlaceNet,
    teacher: PlaceNet,
    source: CropSource,
    crops: CropSettings,
    distortion: float,
    settings: RoundingSettings,
    seed: int,
) -> dict[str, QuantizedTensor]:
    """Round every layer of `network`, a copy of `teacher`, in place; biases follow.

    Args:
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

    layers = dict(compressible(network))
    error = distortion / sum(weight.numel() for weight in layers.values())
    with torch.enable_grad():
        probed = cut(min(settings.crops, _PROBED_CROPS))
        shares = channel_sensitivities(teacher, probed, settings.probes, own)
    batches = list(cut(settings.crops))
    rounding = (network, teacher, batches, shares, error, settings, own)
    found, features = _round_convolutions(*rounding)
    for name in ("netvlad.assignment", "netvlad.centres"):
        weight = layers[name]
        found[name] = quantize_tensor(weight.cpu().numpy(), "uniform-row", settings.netvlad_bits)
        weight.copy_(torch.from_numpy(found[name].dequantize()))
    if (more := settings.whitening_crops - settings.crops) > 0:
        features += paired_features(network, teacher, cut(more))
    found["whitening.weight"] = _round_whitening(network, teacher, features, error, settings)
    return found
