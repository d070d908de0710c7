"""Layers whose weights are whole multiples of a step, as codes and levels."""

import numpy as np
import torch
from torch import Tensor

from pocketvlad.format.quantized_tensor import QuantizedTensor, grid

MAX_MULTIPLE = 127  # largest multiple of a step: 255 levels


def from_multiples(
    multiples: np.ndarray,
    step: float,
    transformed: bool = False,
    input_scales: np.ndarray | None = None,
) -> QuantizedTensor:
    """Whole multiples, -MAX_MULTIPLE to MAX_MULTIPLE, of `step` as codes and levels.

    Args:
        transformed, input_scales: see `QuantizedTensor`.
    """
    most = int(np.abs(multiples).max(initial=0))
    levels = grid(-most * step, most * step, 2 * most + 1) if most else np.empty(0, np.float32)
    codes = np.where(multiples == 0, 0, multiples + most + 1).astype(np.uint8)
    codebook = np.concatenate([np.zeros(1, np.float32), levels])
    return QuantizedTensor(codes, codebook, None, transformed, input_scales)


def quantized_in_place(
    weight: Tensor,
    multiples: Tensor,
    step: float,
    transformed: bool = False,
    input_scales: np.ndarray | None = None,
) -> QuantizedTensor:
    """The layer as codes; `weight` becomes what they stand for."""
    whole = multiples.round().to(torch.int16).cpu().numpy().reshape(weight.shape)
    quantized = from_multiples(whole, step, transformed, input_scales)
    weight.copy_(torch.from_numpy(quantized.dequantize()))
    return quantized
