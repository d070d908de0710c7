"""A random rotation that takes two bits a component to store.

Signs are flipped at random and the row is transformed by a discrete cosine transform, twice. Each
step keeps lengths and inner products. The outcome spreads any row over all components, as a
rotation drawn at random does (Ailon & Chazelle, SIAM J. Comput. 2009). A rotation drawn from all
would be a matrix of 4 L^2 bytes: 1 MB at 512 components, more than a whole city's codes.
"""

import numpy as np

from pocketvlad.format.kernel_transform import cosine_basis
from pocketvlad.util.installed import installed

_ROUNDS = 2


def random_signs(length: int, seed: int) -> np.ndarray:
    """[2, ceil(length / 8)] uint8, a bit a component and round."""
    shape = signs_shape(length)
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def signs_shape(length: int) -> tuple[int, int]:
    """The shape of the signs for rows of this length."""
    return _ROUNDS, -(-length // 8)


def turned(rows: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """[N, L] float32: rows [N, L], rotated as the signs say."""
    for flips in np.unpackbits(signs, axis=1, count=rows.shape[1], bitorder="little"):
        rows = _transformed(rows * (1 - 2 * flips.astype(np.float32)))
    return rows


def _transformed(rows: np.ndarray) -> np.ndarray:
    """[N, L] The orthonormal discrete cosine transform of each row, of type II."""
    if installed("scipy"):
        from scipy.fft import dct

        return dct(rows, axis=1, norm="ortho")
    return (rows @ cosine_basis(1, rows.shape[1]).T).astype(np.float32)  # slower: a whole matrix
