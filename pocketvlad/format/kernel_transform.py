"""The discrete cosine transform of convolution kernels (Ahmed, Natarajan & Rao, 1974; type II).

A convolution's inputs at neighbouring places are much alike. The coefficients of a kernel have less
correlated inputs: a few of them matter much, and the others can be rounded coarsely.
"""

import numpy as np

MAX_SIDE = 64
"""Of a kernel in a file: the transform takes the memory of the fourth power of it, here 134 MB."""

_PART = 16384  # kernels transformed at a time: as many as the processor's cache holds


def cosine_basis(height: int, width: int) -> np.ndarray:
    """[K, K] float64, orthonormal, K = height x width: a flat kernel is its coefficients times it.

    Coefficients are in the order of their vertical, then of their horizontal frequency.
    """

    def one(size: int) -> np.ndarray:
        frequency, place = np.mgrid[:size, :size]
        rows = np.cos(np.pi * frequency * (2 * place + 1) / (2 * size)) * np.sqrt(2 / size)
        rows[0] /= np.sqrt(2)
        return rows

    return np.kron(one(height), one(width))


def to_kernels(coefficients: np.ndarray) -> np.ndarray:
    """Kernels [..., H, W] float32 from their coefficients: summed in float64, then rounded."""
    shape = coefficients.shape
    basis = cosine_basis(*shape[-2:])
    flat = coefficients.reshape(-1, len(basis))
    kernels = np.empty(flat.shape, dtype=np.float32)
    for start in range(0, len(flat), _PART):
        part = slice(start, start + _PART)
        kernels[part] = flat[part].astype(np.float64) @ basis
    return kernels.reshape(shape)
