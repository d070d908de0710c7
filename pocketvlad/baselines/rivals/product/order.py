"""The order of a layer's inputs in which its blocks are easiest to quantize (Martinez et al.).

The bits that Gaussian blocks take for a given error grow with the logarithm of the determinant of
their moments. Inputs of like variance stand at the same place of all blocks, which makes it small.
Then inputs of two blocks change places where that makes it smaller.
"""

import numpy as np

_EXCHANGES = 2000


def _log_determinant(moments: np.ndarray) -> float:
    return float(np.linalg.slogdet(moments.astype(np.float64))[1])


def best_order(kernels: np.ndarray, inputs: int, seed: int) -> np.ndarray:
    """[I] The inputs of a layer, block by block.

    Args:
        kernels: [O, I, K].
        inputs: n, of a block; I is a multiple of it.
    """
    blocks = kernels.shape[1] // inputs
    if blocks == 1 or inputs == 1:
        return np.arange(kernels.shape[1])
    variance = np.square(kernels).sum(axis=(0, 2))
    order = np.argsort(variance, kind="stable").reshape(inputs, blocks).T.copy()
    by_input = np.ascontiguousarray(kernels.transpose(1, 0, 2))

    def moments(*chosen: int) -> np.ndarray:
        """[n K, n K] Of some of the blocks."""
        members = [by_input[order[block]].transpose(1, 0, 2) for block in chosen]
        rows = np.concatenate([each.reshape(len(each), -1) for each in members])
        return (rows.T @ rows).astype(np.float64)

    generator = np.random.default_rng(seed)
    total = sum(moments(block) for block in range(blocks))
    least = _log_determinant(total)
    for _ in range(_EXCHANGES):
        one, other = generator.choice(blocks, 2, replace=False)
        places = generator.integers(inputs, size=2)
        exchanged = ([one, other], places)
        others = total - moments(one, other)
        order[exchanged] = order[exchanged][::-1]
        tried = others + moments(one, other)
        if (found := _log_determinant(tried)) < least:
            total, least = tried, found
        else:
            order[exchanged] = order[exchanged][::-1]
    return order.ravel()
