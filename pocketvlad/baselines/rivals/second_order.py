"""Rounding by second-order error, with and without a price for bits: what OPTQ and CERWU share.

OPTQ (GPTQ; Frantar, Ashkboos, Hoefler & Alistarh, ICLR 2023) rounds the columns of a layer in
order, each weight to the nearest level; those not yet rounded compensate for the error. CERWU
(Conzelmann & Bamler, arXiv 2505.18758) minimises error plus lambda times bits. Each weight is
rounded to the level of the least error plus lambda times bits. What the later weights will cost is
taken into account, too: their bits are replaced by a quadratic function, those of a Gaussian of the
variance of the layer's weights (in a grouped layer, of the group's). It joins the moments of the
inputs, and shrinks the weights. With lambda = 0, CERWU is OPTQ.

An error of a row is e H e', with H the second moments of the inputs.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pocketvlad.baselines.rivals.half import row_magnitudes
from pocketvlad.baselines.rivals.layers_file import Layers
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
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.clusters import round_clusters
from pocketvlad.compression.rd.crops import drawn_crops
from pocketvlad.compression.rd.descent import symbol_bits
from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.multiples import MAX_MULTIPLE, quantized_in_place
from pocketvlad.compression.rd.rounding import (
    Choose,
    feedback,
    round_in_order,
    round_with_few_samples,
    second_moments,
)
from pocketvlad.format.quantized_tensor import QuantizedTensor, per_row
from pocketvlad.format.roles import Role
from pocketvlad.networks.labels import compressible, linear_projection
from pocketvlad.networks.model import to_contents

_DAMPING = 0.01  # of both publications: added to H of a convolution, in shares of its mean diagonal
_COLUMNS = 512  # of the projection, whose moments are formed at a time
_PASSES = 3  # over a layer, each with the bits of the multiples that the one before has found


@dataclass(frozen=True)
class Grid:
    """Multiples of a step: -limit to limit."""

    step: float
    limit: int

    @classmethod
    def of(cls, weight: Tensor, coarseness: float) -> "Grid":
        """One step a layer, so many standard deviations of its weights. Weights that compensate for
        the errors of others may become twice as large as the largest."""
        largest = float(weight.abs().max())
        deviation = float(weight.std()) if weight.numel() > 1 else 0.0
        step = max(coarseness * deviation, largest / MAX_MULTIPLE) or 1.0
        return cls(step, min(2 * math.ceil(largest / step), MAX_MULTIPLE))


def shrinkage(weight: Tensor, price: float) -> float:
    """What the bits of weights add to each moment: `price` times those of a Gaussian, for a square
    of 1."""
    # A depthwise convolution of one tap has groups of one weight, which does not vary.
    variance = float(weight.var()) if weight.numel() > 1 else 0.0
    return price / (2 * math.log(2) * variance) if variance else 0.0


def cheapest(grid: Grid, price: float, square: float, bits: Tensor, models: Tensor) -> Choose:
    """Multiples of the least error plus `price` times bits, of all on the grid.

    Args:
        square: what `shrinkage` has added for a weight's bits, which are now known.
        bits, models: see `symbol_bits`.
    """
    levels = torch.arange(-grid.limit, grid.limit + 1, device=bits.device) * grid.step
    levels = levels.to(bits.dtype)
    costs = price * bits - square * levels.square()

    def choose(values: Tensor, column: int, spread: Tensor) -> Tensor:
        error = (values[:, None] - levels).square_().div_(spread**2)
        return (error.add_(costs[models[:, column]]).argmin(dim=1) - grid.limit).to(values.dtype)

    return choose


def by_passes(
    rounded: Callable[[Choose | None], Tensor], grid: Grid, price: float, square: float, taps: int
) -> Tensor:
    """Multiples by error and bits. The bits depend on the multiples, so they are found in passes.

    Args:
        rounded: the multiples [R, D] that a way to choose leads to.
        taps: see `symbol_bits`.
    """
    multiples = rounded(None)
    for _ in range(_PASSES if price else 0):
        bits, models = symbol_bits(multiples, taps, grid.limit)
        multiples = rounded(cheapest(grid, price, square, bits, models))
    return multiples


def round_layer(weight: Tensor, moments: Tensor, grid: Grid, price: float, taps: int) -> Tensor:
    """Multiples [R, D] of the grid's step.

    Args:
        weight: [R, D].
        moments: [D, D], H without damping.
        price: lambda, the error that a bit is worth; 0 for OPTQ.
        taps: see `symbol_bits`.
    """
    moments = moments.double()
    dead = moments.diagonal() == 0  # inputs that are never there
    moments.diagonal().add_(_DAMPING * moments.diagonal().mean() + dead.double())
    square = shrinkage(weight, price)
    shrunk = moments.clone()
    shrunk.diagonal().add_(square)
    factor = feedback(shrunk)
    target = weight.double().masked_fill(dead, 0)
    if square:
        # The inverse of the moments is the factor's square.
        target = target @ moments @ factor.t() @ factor
    target, factor = target.to(weight.dtype), factor.to(weight.dtype)

    def rounded(choose: Choose | None) -> Tensor:
        return round_in_order(target, factor, grid.step, grid.limit, choose)

    return by_passes(rounded, grid, price, square, taps)


def round_projection(
    weight: Tensor, samples: Tensor, grid: Grid, price: float, damping: float
) -> Tensor:
    """`round_layer` for far more inputs than samples: H is never formed.

    Args:
        weight: [R, D].
        samples: [n, D], the inputs.
        damping: added to H, in shares of its mean diagonal.
    """
    damping *= float(samples.square().mean())
    square = shrinkage(weight, price)
    wanted = samples @ weight.t()
    # Error plus shrinkage is the error from these weights, with this damping.
    shrunk = weight.masked_fill(samples.abs().amax(dim=0) == 0, 0)
    shrunk *= damping / (damping + square)
    columns = torch.arange(samples.shape[1], device=samples.device).split(_COLUMNS)
    prior = [
        (own, (damping + square) * torch.eye(len(own), dtype=torch.float64, device=own.device))
        for own in columns
    ]

    def rounded(choose: Choose | None) -> Tensor:
        return round_with_few_samples(shrunk, samples, wanted, grid.step, grid.limit, prior, choose)

    return by_passes(rounded, grid, price, square, taps=1)


def _as_stored(weight: Tensor, by_rows: bool) -> tuple[Tensor, np.ndarray | None]:
    """(the weights that are rounded, the scales of their rows)"""
    if not by_rows:
        return weight, None
    scales = row_magnitudes(weight.numpy(force=True)).astype(np.float32)
    return weight / per_row(torch.from_numpy(scales).to(weight.device), weight.ndim), scales


def _round_convolution(
    pair: PairedConvolution,
    coarseness: float,
    multiplier: float,
    by_rows: bool,
    patches: int,
    generator: torch.Generator,
) -> QuantizedTensor:
    layer = pair.layer
    places = drawn_places(pair.wanted, patches, generator)
    price = multiplier * float(outputs_at(pair.wanted, places).var(dim=0).sum())
    stored, scales = _as_stored(layer.weight, by_rows)
    grid = Grid.of(stored, coarseness)
    found = []
    for group, weight in enumerate(stored.flatten(1).chunk(layer.groups)):
        [seen] = inputs_at(pair.given, places, layer, range(group, group + 1))
        moments = second_moments(seen) / len(seen)
        found.append(round_layer(weight, moments, grid, price, layer.weight[0, 0].numel()))
    return quantized_in_place(layer.weight, torch.cat(found), grid.step, scales=scales)


@torch.no_grad()
def rounded_layers(
    calibration: Calibration, coarseness: float, multiplier: float, by_rows: bool = False
) -> tuple[Layers, dict[str, Role]]:
    """The base model, its layers rounded from first to last on the crops that `rd` has.

    Each layer gets its inputs from the rounded layers before it, as in OPTQ. Its targets are its
    own weights.

    Args:
        coarseness: the step of a layer, in standard deviations of its weights.
        multiplier: the error, in shares of the variance of a layer's outputs, that a bit for each
            weight of the model is worth; 0 for OPTQ.
        by_rows: whether each row has a step of its own: rows are first divided by their root mean
            squares. For OPTQ alone, where the rows do not depend on one another.
    """
    if by_rows and multiplier:
        raise ValueError("a step for each row is for a multiplier of 0")
    settings = calibration.settings
    teacher = shortened(calibration.base.network, settings.length)
    network = copy.deepcopy(teacher)
    each = multiplier / sum(weight.numel() for _, weight in compressible(network))
    drawn = drawn_crops(network, calibration.source, calibration.crops, settings, calibration.seed)
    found, features = {}, []
    walk = paired_convolutions(
        network, teacher, drawn.batches, settings.patches, "rounding", features=features
    )
    for pair in walk:
        found[pair.name] = _round_convolution(
            pair, coarseness, each, by_rows, settings.patches, drawn.places
        )
    found |= round_clusters(network, settings.cluster_bits)
    if projection := linear_projection(network):
        name, layer = projection
        features += paired_features(network, teacher, drawn.more)
        inputs, outputs = projection_samples(
            network, teacher, features, settings.seen_by_projection
        )
        price = each * float(outputs.var(dim=0).sum())
        stored, scales = _as_stored(layer.weight, by_rows)
        grid = Grid.of(stored, coarseness)
        multiples = round_projection(stored, inputs, grid, price, settings.ridge)
        found[name] = quantized_in_place(layer.weight, multiples, grid.step, scales=scales)
    contents = to_contents(replace(calibration.base, network=teacher))
    layers = {name: found.get(name, tensor) for name, tensor in contents.tensors.items()}
    return layers, {name: label.role for name, label in contents.labels.items()}
