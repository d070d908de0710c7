"""One convolution, rounded so that its outputs come close to those wanted.

Rounded are the cosine coefficients of its kernels (`format.kernel_transform`). Its outputs are
linear in them, so that the best ones follow from the moments of its inputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import drawn_places, inputs_at, outputs_at
from pocketvlad.compression.paired_layers import PairedConvolution
from pocketvlad.compression.rd.descent import descend
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, quantized_in_place
from pocketvlad.compression.rd.rounding import feedback, round_in_order, second_moments
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.format.kernel_transform import cosine_basis
from pocketvlad.format.quantized_tensor import QuantizedTensor

_LEAST = 1e-12  # second moment of inputs that are taken to be there


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


def round_convolution(
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
    quantized = quantized_in_place(layer.weight, multiples, step, transformed=kernel > 1)
    for own, centre in zip(slices, centres, strict=True) if layer.bias is not None else ():
        layer.bias[own] = means[own] - layer.weight[own].flatten(1) @ centre
    return quantized
