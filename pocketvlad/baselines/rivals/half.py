"""Tensors in half precision: one rival, and what the others do with biases."""

import numpy as np


def half(tensor: np.ndarray) -> np.ndarray:
    """`tensor` in float16; unchanged if half precision cannot hold it."""
    fits = np.abs(tensor).max(initial=0) <= np.finfo(np.float16).max
    return tensor.astype(np.float16) if fits else tensor
