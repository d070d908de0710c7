"""Half precision: of tensors (one rival, and what the others do with biases), and of scales."""

import numpy as np


def half(tensor: np.ndarray) -> np.ndarray:
    """`tensor` in float16; unchanged if half precision cannot hold it."""
    fits = np.abs(tensor).max(initial=0) <= np.finfo(np.float16).max
    return tensor.astype(np.float16) if fits else tensor


def row_magnitudes(tensor: np.ndarray) -> np.ndarray:
    """[R] float16 root mean square of each row; 1 for a row of zeros."""
    rows = tensor.reshape(len(tensor), -1).astype(np.float64)
    sizes = np.sqrt(np.square(rows).mean(axis=1))
    least = np.finfo(np.float16).smallest_subnormal
    return np.where(sizes > 0, np.maximum(sizes.astype(np.float16), least), np.float16(1))
