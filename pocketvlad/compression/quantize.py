"""Quantization of a layer to 2^b levels, and what a quantized network consists of.

One rule for zero, the same for every quantizer: level 0 is exactly zero and belongs to the pruned
weights; the other 2^b - 1 levels are for the weights that survived. So a pruned weight is still
zero after quantization, and b bits are enough for all.
"""

import numpy as np

from pocketvlad.compression.quantizers import by_rows, levels_of
from pocketvlad.compression.settings import MAX_BITS
from pocketvlad.format.contents import Contents
from pocketvlad.format.quantized_tensor import QuantizedTensor, per_row


def row_scales(weight: np.ndarray) -> np.ndarray:
    """[R] The root mean square of each row's survivors, relative to the largest one's.

    Rounded to half precision, as files hold it; 1 where no weight of the row has survived.
    """
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    alive = np.count_nonzero(rows, axis=1)
    sizes = np.sqrt(np.square(rows).sum(axis=1) / np.maximum(alive, 1))
    relative = (sizes / max(sizes.max(), np.finfo(np.float64).tiny)).astype(np.float16)
    # A row too small for half precision would be divided by zero; take the smallest number.
    least = np.finfo(np.float16).smallest_subnormal
    return np.where(alive, np.maximum(relative, least), 1).astype(np.float32)


def nearest_level(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """For each of `values` [N] the number of the nearest of the rising `levels` [L]."""
    return np.searchsorted((levels[1:] + levels[:-1]) / 2, values)


def quantize_tensor(weight: np.ndarray, quantizer: str, bits: int) -> QuantizedTensor:
    """Quantize one layer's weights, zeros apart.

    Args:
        weight: float32, any shape.
        quantizer: one of `quantizer_names.QUANTIZERS`.
        bits: b, 1 to 8.

    Raises:
        ValueError: unknown quantizer, or bits out of range.
    """
    choose_levels = levels_of(quantizer)
    if not 1 <= bits <= MAX_BITS:
        raise ValueError(f"{bits} bits are out of range; choose 1 to {MAX_BITS}")
    alive = weight != 0
    codes = np.zeros(weight.shape, dtype=np.uint8)
    levels = np.empty(0, dtype=np.float32)
    scales = row_scales(weight) if by_rows(quantizer) else None
    if alive.any():
        scaled = weight if scales is None else weight / per_row(scales, weight.ndim)
        survivors = scaled[alive]
        levels = choose_levels(survivors, 2**bits - 1)
        codes[alive] = nearest_level(survivors, levels) + 1
    codebook = np.concatenate([np.zeros(1, dtype=np.float32), levels])
    return QuantizedTensor(codes, codebook, scales)


def quantize_contents(contents: Contents, quantizer: str, bits: int) -> dict[str, QuantizedTensor]:
    """Every compressible tensor of a network, quantized, by name.

    Raises:
        ValueError: a weight is not finite; names the tensor.
    """
    found = {}
    for name, tensor in contents.tensors.items():
        if not contents.labels[name].role.compressed:
            continue
        # Here, where the name is known: levels of such weights are none, or not finite either.
        if not np.isfinite(tensor).all():
            raise ValueError(
                f"a weight of {name} is not finite: its training diverged; lower the learning rate"
            )
        found[name] = quantize_tensor(tensor, quantizer, bits)
    return found
