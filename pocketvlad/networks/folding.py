"""A convolution takes over the batch normalisation after it (Ioffe & Szegedy 2015, section 3.1)."""

import torch
from torch import Tensor


def folded(
    kernels: Tensor,
    biases: Tensor | float,
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
) -> tuple[Tensor, Tensor]:
    """(kernels [O, I, h, w], biases [O]) of a convolution that does what both did.

    Args:
        biases: [O]; 0 for none.
        scale, shift, mean, variance: of the normalisation, [O] each.
    """
    factor = scale / torch.sqrt(variance + epsilon)
    return kernels * factor.view(-1, 1, 1, 1), (biases - mean) * factor + shift
