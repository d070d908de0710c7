"""Rounded weights improved one at a time, by what each costs in error and in bits.

Error feedback rounds each weight to the nearest multiple and never comes back to it. Most inputs
that a layer sees can be made from others, so that very different weights do nearly the same: among
these are some of fewer bits. From the rounded weights, column after column, all rows at once, each
weight goes to the multiple of least error plus lambda times bits while the others stay (coordinate
descent on the Lagrangian of rate-distortion optimised quantization; Sullivan & Wiegand, IEEE Signal
Processing Magazine, 1998). Bits are those of models as the file will have them (`symbol_model`; of
one group, where a convolution has several), fitted anew in every sweep.
"""

import numpy as np
import torch
from torch import Tensor

from pocketvlad.format.symbol_model import fit_model

_BLOCK = 128  # columns whose changes are gathered before they move the rest, as one product
_UNSEEN = 0.05  # how often a symbol that does not occur is taken to occur


def symbol_bits(multiples: Tensor, taps: int, limit: int) -> tuple[Tensor, Tensor]:
    """([M, 2 limit + 1] bits of each multiple, -limit first, in each model; [R, D] the models).

    Args:
        multiples: [R, D], `taps` of each input beside one another.
    """
    codes = (multiples + limit).to(torch.uint8).cpu().numpy().reshape(len(multiples), -1, taps)
    model = fit_model(codes, np.abs(np.arange(-limit, limit + 1, dtype=np.float32)))
    counts = model.counts(codes, 2 * limit + 1) + _UNSEEN
    bits = -np.log2(counts / counts.sum(axis=1, keepdims=True))
    numbers = torch.from_numpy(model.numbers())
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
    """[R, B] Changes of a block of columns; `multiples` and `slope` follow in place.

    Args:
        multiples: [R, B].
        slope: [R, B], the errors of all weights times the moments: (best - weights) H.
        moments: [B, B], of the block.
        bits, models: [M, 2 limit + 1] and [R, B], see `symbol_bits`.
    """
    before = multiples.clone()
    for column in range(multiples.shape[1]):
        curvature = step**2 * moments[column, column]
        now = multiples[:, column]
        best = now + slope[:, column] / (step * moments[column, column])
        below = best.floor()
        tried = torch.stack([now, torch.zeros_like(now), below, below + 1]).clamp_(-limit, limit)
        cost = (
            curvature * (best - tried).square()
            + multiplier * bits[models[:, column], (tried + limit).long()]
        )
        found = tried.gather(0, cost.argmin(dim=0, keepdim=True))[0]
        moved = step * (found - now)
        multiples[:, column] = found
        slope[:, column:] -= moved[:, None] * moments[column, column:]
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
    """Multiples [R, D] of less error plus lambda times bits than `multiples` have.

    The error of a row is e H e', e what it differs from `best` by.

    Args:
        multiples: [R, D], to begin with.
        best: [R, D].
        moments: [D, D], H.
        multiplier: the Lagrangian one, lambda: the error that a bit is worth.
        taps: see `symbol_bits`.
        limit: largest magnitude of a multiple.
        sweeps: over all columns.
    """
    multiples = multiples.clone()
    slope = (best - multiples * step) @ moments
    for _ in range(sweeps):
        bits, models = symbol_bits(multiples, taps, limit)
        for own in torch.arange(multiples.shape[1]).split(_BLOCK):
            block = slice(int(own[0]), int(own[-1]) + 1)
            changes = _improve(
                multiples[:, block],
                slope[:, block].clone(),
                moments[block, block],
                step,
                multiplier,
                bits,
                models[:, block],
                limit,
            )
            slope -= (changes * step) @ moments[block]
    return multiples
