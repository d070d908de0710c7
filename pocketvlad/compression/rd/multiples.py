"""Layers whose weights are whole multiples of a step, as codes and levels."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pocketvlad.format.quantized_tensor import QuantizedTensor, grid

MAX_MULTIPLE = 127  # largest multiple of a step: 255 levels


def power_of_two(size: float) -> float:
    """The one that is nearest in octaves."""
    return 2.0 ** round(math.log2(size))


def with_needed_scales(quantized: QuantizedTensor) -> QuantizedTensor:
    """The same weights, with a scale of 1 for rows of zeros; without scales of rows where all are
    1."""
    if quantized.scales is None:
        return quantized
    alive = quantized.codes.reshape(len(quantized.codes), -1).any(axis=1)
    scales = np.where(alive, quantized.scales, np.float32(1))
    return replace(quantized, scales=None if (scales == 1).all() else scales)


def from_multiples(
    multiples: np.ndarray,
    step: float,
    transformed: bool = False,
    input_scales: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    on_trellis: bool = False,
) -> QuantizedTensor:
    """Whole multiples of `step` as codes and levels: from -MAX_MULTIPLE to MAX_MULTIPLE, or on the
    trellis as far as there are places (`trellis.MAX_PLACE`).

    Args:
        transformed, input_scales, scales: see `QuantizedTensor`, and `with_needed_scales`.
        on_trellis: whether they are; zeros alone need none.
    """
    most = int(np.abs(multiples).max(initial=0))
    on_trellis = on_trellis and most > 0
    most += most % 2 if on_trellis else 0
    levels = grid(-most * step, most * step, 2 * most + 1) if most else np.empty(0, np.float32)
    codes = np.where(multiples == 0, 0, multiples + most + 1)
    codes = codes.astype(np.uint16 if on_trellis else np.uint8)
    codebook = np.concatenate([np.zeros(1, np.float32), levels])
    return with_needed_scales(
        QuantizedTensor(codes, codebook, scales, transformed, input_scales, on_trellis)
    )


def multiples_of(quantized: QuantizedTensor) -> tuple[np.ndarray, float]:
    """(whole multiples, int16, of the codes' shape; the step): what `from_multiples` made a layer
    of. The step of zeros is 1."""
    most = (len(quantized.codebook) - 1) // 2
    multiples = quantized.multiples().reshape(quantized.codes.shape)
    return multiples, float(quantized.codebook[-1]) / most if most else 1.0


def quantized_in_place(
    weight: Tensor,
    multiples: Tensor,
    step: float,
    transformed: bool = False,
    input_scales: np.ndarray | None = None,
    scales: np.ndarray | None = None,
    on_trellis: bool = False,
) -> QuantizedTensor:
    """The layer as codes; `weight` becomes what they stand for."""
    whole = multiples.round().to(torch.int16).cpu().numpy().reshape(weight.shape)
    quantized = from_multiples(whole, step, transformed, input_scales, scales, on_trellis)
    weight.copy_(torch.from_numpy(quantized.dequantize()))
    return quantized
