"""Rounded weights improved one at a time, by what each costs in error and in bits.

Error feedback rounds each weight to the nearest multiple and never comes back to it. Most inputs
that a layer sees can be made from others, so that very different weights do nearly the same: among
these are some of fewer bits. From the rounded weights, column after column, all rows at once, each
weight goes to the multiple of least error plus price times bits while the others stay (coordinate
descent on the Lagrangian of rate-distortion optimised quantization; Sullivan & Wiegand, IEEE Signal
Processing Magazine, 1998). Bits are those of the symbols' frequencies, counted anew in every sweep.
"""

import torch
from torch import Tensor

_BLOCK = 128  # columns whose changes are gathered before they move the rest, as one product
_UNSEEN = 0.05  # how often a symbol that does not occur is taken to occur


def symbol_bits(multiples: Tensor, classes: Tensor, most: int) -> Tensor:
    """[K, 2 most + 1] Bits of each multiple, -most first, in each class of columns.

    Args:
        multiples: [R, D].
        classes: [D], from 0 to K - 1: columns of one class share their frequencies.
    """
    tables = []
    for number in range(int(classes.max()) + 1):
        symbols = multiples[:, classes == number].long().flatten() + most
        counts = torch.bincount(symbols, minlength=2 * most + 1).to(multiples.dtype) + _UNSEEN
        tables.append(-torch.log2(counts / counts.sum()))
    return torch.stack(tables)


def _improve(
    multiples: Tensor,
    slope: Tensor,
    moments: Tensor,
    step: Tensor,
    price: Tensor,
    bits: Tensor,
    most: int,
) -> Tensor:
    """[R, B] Changes of a block of columns; `multiples` and `slope` follow in place.

    Args:
        multiples: [R, B].
        slope: [R, B], the errors of all weights times the moments: (best - weights) H.
        moments: [B, B], of the block.
        step, price: [R].
        bits: [B, 2 most + 1], of each column's symbols.
    """
    before = multiples.clone()
    for column in range(multiples.shape[1]):
        curvature = step.square() * moments[column, column]
        now = multiples[:, column]
        best = now + slope[:, column] / (step * moments[column, column])
        below = best.floor()
        tried = torch.stack([now, torch.zeros_like(now), below, below + 1]).clamp_(-most, most)
        cost = curvature * (best - tried).square() + price * bits[column][(tried + most).long()]
        found = tried.gather(0, cost.argmin(dim=0, keepdim=True))[0]
        moved = step * (found - now)
        multiples[:, column] = found
        slope[:, column:] -= moved[:, None] * moments[column, column:]
    return multiples - before


def descend(
    multiples: Tensor,
    best: Tensor,
    moments: Tensor,
    step: Tensor,
    price: Tensor,
    classes: Tensor,
    most: int,
    sweeps: int,
) -> Tensor:
    """Multiples [R, D] of less error plus price times bits than `multiples` have.

    The error of a row is e H e', e what it differs from `best` by.

    Args:
        multiples: [R, D], to begin with.
        best: [R, D].
        moments: [D, D], H.
        step: [R, 1].
        price: [R], the error that a bit is worth.
        classes: see `symbol_bits`.
        most: largest magnitude of a multiple.
        sweeps: over all columns.
    """
    multiples = multiples.clone()
    slope = (best - multiples * step) @ moments
    for _ in range(sweeps):
        bits = symbol_bits(multiples, classes, most)
        for own in torch.arange(multiples.shape[1]).split(_BLOCK):
            block = slice(int(own[0]), int(own[-1]) + 1)
            changes = _improve(
                multiples[:, block],
                slope[:, block].clone(),
                moments[block, block],
                step[:, 0],
                price,
                bits[classes[block]],
                most,
            )
            slope -= (changes * step) @ moments[block]
    return multiples
