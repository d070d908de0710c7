"""A tensor as blocks of weights, each of them an entry of a codebook. Free of torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MEMBERS = 4  # blocks that a layer must have for each of its centres


def block_size(shape: Sequence[int], kernel_weights: int, columns: int) -> int:
    """Weights in a block of a tensor [O, I, ...].

    Whole kernels of several inputs, or an equal part of a kernel, or neighbours in a row. Where
    nothing of the size asked for fits, it is the next smaller size that does.

    Args:
        kernel_weights: in a block of a convolution.
        columns: in a block of a linear map, or of a convolution whose kernels are single weights.
    """
    taps = math.prod(shape[2:])
    if taps == 1:
        whole, wanted = 1, columns
    elif kernel_weights >= taps:
        whole, wanted = taps, kernel_weights // taps
    else:
        return next(size for size in range(kernel_weights, 0, -1) if taps % size == 0)
    return whole * next(size for size in range(wanted, 0, -1) if shape[1] % size == 0)


def centres_for(blocks: int, centres: int) -> int:
    """How many centres a layer of so many blocks has: a quarter of its blocks at most."""
    return max(1, min(centres, blocks // _MEMBERS))


def stored_order(order: np.ndarray) -> np.ndarray:
    """[I] uint16; of more inputs than that tells apart uint32."""
    return order.astype(np.uint16 if len(order) <= 1 << 16 else np.uint32)


@dataclass(frozen=True)
class Blocked:
    """A tensor as numbers of entries.

    codes: [N] uint16, of each block, row after row; if they end before the last row, the others are
    zero.  codebook: [k, d] float16.  order: [I], as `stored_order` gives it, the inputs of
    a row in the order in which they are cut into blocks.  shape: [O, I, ...] of the tensor.
    """

    codes: np.ndarray
    codebook: np.ndarray
    order: np.ndarray
    shape: tuple[int, ...]

    def decode(self) -> np.ndarray:
        """The float32 tensor."""
        blocks = self.codebook.astype(np.float32)[self.codes]
        rows = blocks.reshape(-1, *self.shape[1:])[:, np.argsort(self.order)]
        weight = np.zeros(self.shape, dtype=np.float32)
        weight[: len(rows)] = rows
        return weight
