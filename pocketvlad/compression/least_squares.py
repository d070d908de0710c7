"""Least squares over the weights that pruning has left, many outputs at once."""

from collections.abc import Callable

import torch
from torch import Tensor

_SOLVED = 100  # rounding errors of the first residual's length: a smaller residual counts as zero


def masked_least_squares(
    weight: Tensor,
    alive: Tensor,
    gram: Callable[[Tensor], Tensor],
    diagonal: Tensor,
    cross: Tensor,
    iterations: int,
) -> Tensor:
    """Rows w that minimise w G w' / 2 - cross w', all zero where `alive` is false.

    By conjugate gradients in the space of each row's survivors, all rows at once, preconditioned by
    the diagonal. Few iterations from a good start hardly move directions that the data do not
    determine. Where there are fewer samples than weights, this is the only regularisation.

    Args:
        weight: [O, D], where to start.
        alive: [O, D], boolean.
        gram: multiplies rows [O, D] by G = X'X of the inputs X: [D, D], symmetric, not negative.
        diagonal: [D], of G.
        cross: [O, D], Y'X of outputs and inputs.

    Returns:
        [O, D].
    """
    scale = diagonal.clamp_min(1e-12).sqrt()
    cross, weight = cross / scale, weight * scale * alive

    def scaled_gram(rows: Tensor) -> Tensor:
        return gram(rows / scale) / scale

    residual = (cross - scaled_gram(weight)) * alive
    direction, energy = residual.clone(), residual.square().sum(dim=1)
    solved = (_SOLVED * torch.finfo(energy.dtype).eps) ** 2 * energy
    for _ in range(iterations):
        image = scaled_gram(direction) * alive
        curvature = (direction * image).sum(dim=1)
        # A solved row stays: its residual is rounding error, which further steps would amplify.
        going = (energy > solved) & (curvature > 0)
        if not going.any():
            break
        step = torch.where(going, energy / curvature, 0)
        weight = weight + step[:, None] * direction
        residual = residual - step[:, None] * image
        before, energy = energy, residual.square().sum(dim=1)
        direction = residual + torch.where(going, energy / before, 0)[:, None] * direction
    return weight / scale
