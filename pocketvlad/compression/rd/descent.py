"""Coordinate descent on the multiples of rounded weights, by error and bits.

Error feedback rounds each weight to the nearest multiple and never returns to it. Most inputs of a
layer are nearly linear combinations of others. So very different weights do nearly the same, and
some of them take fewer bits. From the rounded weights, column after column, all rows at once, each
weight moves to the multiple that minimises error plus lambda times bits while the others stay
(coordinate descent on the Lagrangian of rate-distortion optimised quantization; Sullivan & Wiegand,
IEEE Signal Processing Magazine, 1998). Bits are those of the file's frequency models
(`symbol_model`), fitted anew in every sweep to the whole layer.
"""

import numpy as np
import torch
from torch import Tensor

from pocketvlad.format.symbol_model import fit_model

_BLOCK = 128  # columns whose changes are gathered before they move the rest, as one product
_UNSEEN = 0.05  # count that is assumed of a symbol that does not occur


def symbol_bits(multiples: Tensor, taps: int, limit: int) -> tuple[Tensor, Tensor]:
    """([M, 2 limit + 1] bits of each multiple, -limit first, in each model; [..., R, D] the
    models).

    Args:
        multiples: [..., R, D], `taps` of each input beside one another.
    """
    rows = multiples.flatten(0, -2)
    codes = (rows + limit).to(torch.uint8).cpu().numpy().reshape(len(rows), -1, taps)
    model = fit_model(codes, np.abs(np.arange(-limit, limit + 1, dtype=np.float32)))
    counts = model.counts(codes, 2 * limit + 1) + _UNSEEN
    bits = -np.log2(counts / counts.sum(axis=1, keepdims=True))
    numbers = torch.from_numpy(model.numbers()).view(multiples.shape)
    return torch.from_numpy(bits).to(multiples), numbers.to(multiples.device)


def _improve(
    multiples: Tensor,
    slope: Tensor,
    moments: Tensor,
    step: float,
    multiplier: float,
    bits: Tensor,
    models: Tensor,
    limit: int,
) -> Tensor:
    """[..., R, B] Changes of a block of columns; `multiples` and `slope` follow in place.

    Args:
        multiples: [..., R, B].
        slope: [..., R, B], the errors of all weights times the moments: (best - weights) H.
        moments: [..., B, B], of the block.
        bits, models: [M, 2 limit + 1] and [..., R, B], see `symbol_bits`.
    """
    before = multiples.clone()
    for column in range(multiples.shape[-1]):
        later = moments[..., column, None, column:]
        own = later[..., 0]
        now = multiples[..., column]
        best = now + slope[..., column] / (step * own)
        below = best.floor()
        tried = torch.stack([now, torch.zeros_like(now), below, below + 1]).clamp_(-limit, limit)
        cost = (
            step**2 * own * (best - tried).square()
            + multiplier * bits[models[..., column], (tried + limit).long()]
        )
        found = tried.gather(0, cost.argmin(dim=0, keepdim=True))[0]
        moved = step * (found - now)
        multiples[..., column] = found
        slope[..., column:] -= moved[..., None] * later
    return multiples - before


def descend(
    multiples: Tensor,
    best: Tensor,
    moments: Tensor,
    step: float,
    multiplier: float,
    taps: int,
    limit: int,
    sweeps: int,
) -> Tensor:
    """Multiples [..., R, D] with a smaller error plus lambda times bits than `multiples`.

    The error of a row is e H e', where e is its difference from `best`.

    Args:
        multiples: [..., R, D], the start: the rows of each group of a convolution, or of one.
        best: [..., R, D].
        moments: [..., D, D], H of each group.
        multiplier: lambda, the Lagrangian multiplier: the error that a bit is worth.
        taps: see `symbol_bits`.
        limit: largest magnitude of a multiple.
        sweeps: over all columns.
    """
    multiples = multiples.clone()
    slope = (best - multiples * step) @ moments
    for _ in range(sweeps):
        bits, models = symbol_bits(multiples, taps, limit)
        for start in range(0, multiples.shape[-1], _BLOCK):
            block = slice(start, start + _BLOCK)
            changes = _improve(
                multiples[..., block],
                slope[..., block].clone(),
                moments[..., block, block],
                step,
                multiplier,
                bits,
                models[..., block],
                limit,
            )
            slope -= (changes * step) @ moments[..., block, :]
    return multiples
