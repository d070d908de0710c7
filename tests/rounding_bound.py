"""The least number of bits that weights need for the error that a layer has.

Weights are taken to be Gaussian, with a variance that is a product of a row's, an input's and a
tap's: what a file's frequency models know, too. They are coded in the eigenbasis of their inputs'
moments. (Reverse water-filling; Cover & Thomas, chapter 10.)
"""

import math

import numpy as np
import torch
from torch import Tensor

_TINY = 1e-100
_OWN = ((2, 3), (1, 3), (0, 1, 2))  # what rows, inputs and taps are the means over
_ROUNDS = 10


def gaussian_bound(variances: np.ndarray, distortion: float) -> float:
    """Bits a component that independent Gaussian components need at least.

    Args:
        variances: of the components.
        distortion: the sum of their errors.
    """
    low, high = 0.0, float(variances.max())
    for _ in range(60):
        level = (low + high) / 2
        if np.minimum(variances, level).sum() < distortion:
            low = level
        else:
            high = level
    return float(np.maximum(0.5 * np.log2(np.maximum(variances, _TINY) / level), 0).mean())


def variances_of(weights: Tensor) -> list[Tensor]:
    """Three factors of the variances of weights [G, R, C, K]: of the rows, [G, R, 1, 1], of the
    inputs, [G, 1, C, 1], and of the taps, [1, 1, 1, K]. The most likely ones, by turns."""
    squares = weights.double().square()
    factors = [squares.new_ones(1, 1, 1, 1) for _ in _OWN]
    for _ in range(_ROUNDS):
        for number, others in enumerate(_OWN):
            left = math.prod(each for other, each in enumerate(factors) if other != number)
            factors[number] = (squares / left).mean(dim=others, keepdim=True).clamp_min(_TINY)
    return factors


def layer_bound(weights: Tensor, moments: Tensor, errors: Tensor, sensitivities: Tensor) -> float:
    """Bits a weight by `gaussian_bound`, for the error that all outputs of a layer have together,
    each weighed by its sensitivity.

    Weights of inputs that were rotated or scaled (`stream_axes`, `axes`) differ from input to
    input: with variances by row alone, the bound would depend on these scales.

    Args:
        weights: [G, R, C, K] sought: groups or blocks, their outputs, inputs, coefficients of a
            kernel.
        moments: [G, C K, C K] of the inputs.
        errors: [G, R, C K] of the weights.
        sensitivities: [G, R], what an error in an output costs.
    """
    rows, inputs, taps = variances_of(weights)
    columns = (inputs * taps).squeeze(1).flatten(1).sqrt()
    moments, errors = moments.double(), errors.double()
    scaled = columns[:, :, None] * moments * columns[:, None]
    spread = torch.linalg.eigvalsh(scaled).clamp_min(0)
    variances = sensitivities.double()[..., None] * rows.squeeze(3) * spread[:, None]
    distortion = (sensitivities * ((errors @ moments) * errors).sum(dim=2)).sum()
    return gaussian_bound(variances.cpu().numpy(), float(distortion))
