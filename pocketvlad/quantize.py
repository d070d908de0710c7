"""Quantization of a layer to 2^b levels, and what a quantized network consists of.

One rule for zero, the same for every quantizer: level 0 is exactly zero and belongs to the pruned
weights; the other 2^b - 1 levels are for the weights that survived. So a pruned weight is still
zero after quantization, and b bits are enough for all.
"""

from collections.abc import Callable, Mapping

import numpy as np

from pocketvlad.kmeans1d import kmeans1d
from pocketvlad.parameters import is_compressible
from pocketvlad.quantized_tensor import QuantizedTensor, grid

MOST_BITS = 8  # codes are stored in bytes


def uniform_levels(survivors: np.ndarray, levels: int) -> np.ndarray:
    """`levels` evenly spaced values from the least to the greatest of `survivors` [N]."""
    return np.unique(grid(survivors.min(), survivors.max(), levels))


QUANTIZERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "uniform": uniform_levels,
    "kmeans": kmeans1d,
}


def nearest_level(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """For each of `values` [N] the number of the nearest of the rising `levels` [L]."""
    return np.searchsorted((levels[1:] + levels[:-1]) / 2, values)


def quantize_tensor(weight: np.ndarray, quantizer: str, bits: int) -> QuantizedTensor:
    """Quantize one layer's weights, zeros apart.

    Args:
        weight: float32, any shape.
        quantizer: a key of QUANTIZERS.
        bits: b, 1 to 8.

    Raises:
        ValueError: unknown quantizer, or bits out of range.
    """
    if quantizer not in QUANTIZERS:
        raise ValueError(f"quantizer {quantizer!r} is unknown; choose among {list(QUANTIZERS)}")
    if not 1 <= bits <= MOST_BITS:
        raise ValueError(f"{bits} bits are out of range; choose 1 to {MOST_BITS}")
    alive = weight != 0
    codes = np.zeros(weight.shape, dtype=np.uint8)
    levels = np.empty(0, dtype=np.float32)
    if alive.any():
        survivors = weight[alive]
        levels = QUANTIZERS[quantizer](survivors, 2**bits - 1)
        codes[alive] = nearest_level(survivors, levels) + 1
    return QuantizedTensor(codes, np.concatenate([np.zeros(1, dtype=np.float32), levels]))


def quantize_tensors(
    tensors: Mapping[str, np.ndarray], quantizer: str, bits: int
) -> dict[str, QuantizedTensor]:
    """Every compressible one of a network's `tensors`, quantized."""
    return {
        name: quantize_tensor(tensor, quantizer, bits)
        for name, tensor in tensors.items()
        if is_compressible(name)
    }
