"""One convolution, rounded so that its outputs stay close to the targets.

The cosine coefficients of its kernels are rounded (`format.kernel_transform`). The outputs are
linear in them, so the best ones follow from the moments of the inputs. The groups of a convolution
are G such problems of the same size, and are solved side by side. Rows are rounded in units of
their scales, which are powers of two: outputs that matter more have smaller errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pocketvlad.compression.layer_samples import (
    centre_of,
    drawn_places,
    inputs_at,
    outputs_at,
)
from pocketvlad.compression.paired_layers import PairedConvolution
from pocketvlad.compression.rd.descent import descend
from pocketvlad.compression.rd.multiples import (
    MAX_MULTIPLE,
    power_of_two,
    quantized_in_place,
)
from pocketvlad.compression.rd.rounding import feedback, round_in_order, second_moments
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.trellis_rounding import MAX_MULTIPLE as MAX_ON_TRELLIS
from pocketvlad.compression.rd.trellis_rounding import round_on_trellis
from pocketvlad.format.kernel_transform import cosine_basis
from pocketvlad.format.quantized_tensor import QuantizedTensor

_LEAST = 1e-12  # second moment of inputs that are taken to be there
# Of a row's step beside the others: in full proportion they take more bytes (docs/compression.md).
_POWER = 0.5
_OCTAVES = 8  # by which the scale of a row is larger or smaller than the middle one, at most
_LEAST_INPUTS = 32  # of rows on the trellis: shorter ones gain little, and take long
# On the trellis a quantizer has wider steps beside those of single weights, and bits are worth
# less: measured (docs/compression-record.md).
_TRELLIS_STEP, _TRELLIS_MULTIPLIER = 1.2, 0.7
_COLUMNS = 4608  # inputs whose samples are held at a time: those of VGG16's widest convolutions


def _basis(layer: nn.Conv2d) -> Tensor:
    return torch.from_numpy(cosine_basis(*layer.kernel_size)).to(layer.weight.device)


def _to_coefficients(rows: Tensor, basis: Tensor) -> Tensor:
    """Rows [..., R, C K] of C kernels each, as their coefficients (see `kernel_transform`)."""
    return (rows.unflatten(-1, (-1, len(basis))) @ basis.t()).flatten(-2)


def _by_group(rows: Tensor, layer: nn.Conv2d) -> Tensor:
    """[G, R, ...] What a layer has for each of its outputs [G R, ...], by group."""
    return rows.unflatten(0, (layer.groups, -1))


def _moments(
    pair: PairedConvolution, groups: range, places: Sequence[Tensor], wanted: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """([g, D] means of the inputs of g groups; [g, D, D] their moments; [g, R, D] their moments
    with the outputs wanted)

    Args:
        wanted: [P, G R] of all groups, centred.
    """
    seen = inputs_at(pair.given, places, pair.layer, groups)
    centres = centre_of(seen, pair.layer)
    seen -= centres[:, None]
    outputs = _by_group(wanted.t(), pair.layer)[groups.start : groups.stop]
    moments, cross = second_moments(seen), outputs @ seen
    return centres, (moments / len(wanted)).double(), (cross / len(wanted)).double()


def _equations(
    pair: PairedConvolution, places: Sequence[Tensor], wanted: Tensor, damping: float
) -> tuple[Tensor, Tensor, Tensor]:
    """What the best coefficients of each group's kernels follow from, B / H.

    For the present inputs; where the samples say little, the weights stay near those of the
    uncompressed layer.

    Args:
        wanted: [P, G R], centred.

    Returns:
        [G, D] mean inputs; [G, D, D] moments H and [G, R, D] right-hand sides B, of coefficients.
    """
    numbers = range(pair.layer.groups)
    size = max(1, _COLUMNS // pair.layer.weight[0].numel())
    runs = [numbers[start : start + size] for start in numbers[::size]]
    found = [_moments(pair, run, places, wanted) for run in runs]
    centres, moments, cross = (torch.cat(each) for each in zip(*found, strict=True))
    weight = _by_group(pair.original.weight.flatten(1), pair.layer)
    diagonal = moments.diagonal(dim1=-2, dim2=-1)
    # A group whose input is zero everywhere (a channel that a ReLU has shut) leaves it open.
    own = damping * diagonal.mean(dim=-1, keepdim=True).clamp_min(_LEAST)
    diagonal += own
    basis = _basis(pair.layer)
    right = _to_coefficients(cross + own[:, None] * weight.double(), basis)
    return centres, _to_coefficients(_to_coefficients(moments, basis).mT, basis), right


@dataclass(frozen=True)
class AllowedErrors:
    """Of a convolution. outputs: [O], the variances that rounding one weight may add to its output.
    biases: the variance that rounding one of them may have."""

    outputs: Tensor
    biases: float


@dataclass(frozen=True)
class _Groups:
    """What the groups of a convolution are rounded with.

    moments, best: [G, D, D] and [G, R, D], those that the outputs wanted ask for.  target, factor:
    [G, R, D] drawn to zero, and [G, D, D] what errors are fed back by (`feedback`).
    """

    moments: Tensor
    best: Tensor
    target: Tensor
    factor: Tensor


def _prepared(moments: Tensor, right: Tensor, draw: Tensor, dtype: torch.dtype) -> _Groups:
    """
    Args:
        moments, right: of `_equations`.
        draw: [G] added to the moments: it shrinks weights to save bits. Where an input is so small
            that the allowed error would hide a weight of ordinary size, the weight is worth no
            bits. This is reverse water-filling, and the difference between least mean squares and
            zero forcing in a decision-feedback equaliser.
    """
    best = torch.cholesky_solve(right.mT, torch.linalg.cholesky(moments)).mT
    drawn = moments.clone()
    drawn.diagonal(dim1=-2, dim2=-1).add_(draw[:, None])
    factor = feedback(drawn)
    # The inverse of the moments is the factor's square.
    target = right @ factor.mT @ factor
    return _Groups(moments.to(dtype), best.to(dtype), target.to(dtype), factor)


def _geometric_mean(values: Tensor, dim: int | None = None) -> Tensor:
    return values.log().mean(dim).exp()


def _draw(errors: Tensor, weights: Tensor) -> Tensor:
    """[G] The allowed error of a weight over the mean square of the weights.

    Args:
        errors: [G, R] allowed variances in the outputs.
        weights: [G, R, D].
    """
    squares = weights.double().square()
    sizes = squares.mean(dim=(1, 2)).clamp_min(_LEAST * squares.mean().clamp_min(_LEAST))
    return _geometric_mean(errors, dim=1) / sizes


def _scales(steps: Tensor) -> tuple[Tensor, float]:
    """([G, R] scales, step): the layer's step is the mean of the rows' steps. A row's scale is the
    root of its own step over that, as a power of two.

    Args:
        steps: [G, R] that the rows should have.
    """
    middle = _geometric_mean(steps)
    octaves = (_POWER * torch.log2(steps / middle)).round().clamp(-_OCTAVES, _OCTAVES)
    return torch.exp2(octaves), float(middle)


def round_convolution(
    pair: PairedConvolution,
    allowed: AllowedErrors,
    settings: RoundingSettings,
    generator: torch.Generator,
) -> QuantizedTensor:
    """Round a layer so that its outputs stay close to the targets; its biases follow."""
    layer = pair.layer
    places = drawn_places(pair.wanted, settings.patches, generator)
    wanted = outputs_at(pair.wanted, places)
    means = centre_of(wanted, layer)
    wanted -= means
    centres, moments, right = _equations(pair, places, wanted, settings.damping)
    errors = _by_group(allowed.outputs, layer)
    draw = _draw(errors, _by_group(pair.original.weight.flatten(1), layer))
    groups = _prepared(moments, right, draw, wanted.dtype)
    left = _geometric_mean(groups.factor.diagonal(dim1=-2, dim2=-1), dim=1).pow(-2)
    scales, step = _scales(torch.sqrt(12 * errors / left[:, None]))
    rows = scales[..., None].to(wanted.dtype)
    target, best = groups.target / rows, groups.best / rows
    kernel = layer.weight[0, 0].numel()
    multiplier = settings.multiplier * (errors / scales.square()).to(wanted.dtype)
    largest = float(target.abs().max())
    multiple_of = _TRELLIS_STEP * step / 2
    on_trellis = (
        settings.trellis
        and target.shape[-1] >= _LEAST_INPUTS
        and largest <= MAX_ON_TRELLIS * multiple_of
    )
    if on_trellis:
        step = multiple_of
        given = best, groups.moments, target, groups.factor, step
        multiples = round_on_trellis(*given, _TRELLIS_MULTIPLIER * multiplier, kernel)
    else:
        step = max(step, largest / MAX_MULTIPLE)
        nearest = round_in_order(target, groups.factor, step, MAX_MULTIPLE)
        given = best, groups.moments, step, multiplier
        multiples = descend(nearest, *given, kernel, MAX_MULTIPLE, settings.sweeps)
    quantized = quantized_in_place(
        layer.weight,
        multiples,
        step,
        transformed=kernel > 1,
        scales=scales.flatten().float().cpu().numpy(),
        on_trellis=on_trellis,
    )
    if layer.bias is not None:
        weight = _by_group(layer.weight.flatten(1), layer)
        shifts = means - (weight @ centres[..., None]).flatten()
        unit = power_of_two(math.sqrt(12 * allowed.biases))
        layer.bias.copy_((shifts / unit).round() * unit + 0.0)  # no negative zero
    return quantized
