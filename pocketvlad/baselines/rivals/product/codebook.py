"""The blocks of one layer: their numbers by k-means, then the codebook by its outputs."""

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, cg
from torch import Tensor

from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.product.blocks import Blocked, centres_for, stored_order
from pocketvlad.baselines.rivals.product.kmeans import clustered
from pocketvlad.baselines.rivals.product.moments import Moments
from pocketvlad.baselines.rivals.product.order import best_order

_SHRINKAGE = 1.0
"""Added to the moments of a block's inputs, in shares of their mean. Other blocks can compensate
for errors in what inputs have in common, which the moments of one block make too dear."""


def summed(blocks: Tensor, codes: Tensor, entries: int) -> Tensor:
    """[k, d] For each entry the sum of its blocks [N, d]."""
    return blocks.new_zeros(entries, blocks.shape[1]).index_add_(0, codes, blocks)


class BlockLayout:
    """How a tensor's rows [O, D] are cut into blocks [N, d].

    columns: [B, d], of each block of a row.
    """

    def __init__(self, order: Tensor, taps: int, size: int) -> None:
        """order: [I] int64, of the inputs.  taps: weights of a kernel."""
        columns = order[:, None] * taps + torch.arange(taps, device=order.device)
        self.columns = columns.view(-1, size)
        self.back = columns.flatten().argsort()

    def blocks(self, rows: Tensor) -> Tensor:
        return rows[:, self.columns].flatten(0, 1)

    def rows(self, blocks: Tensor) -> Tensor:
        return blocks.reshape(-1, len(self.back))[:, self.back]


def solved_codebook(
    codebook: Tensor,
    codes: Tensor,
    layout: BlockLayout,
    moments: Moments,
    cross: Tensor,
    iterations: int,
) -> Tensor:
    """[k, d] The entries that minimise w H w' / 2 - cross w' over the rows w that they make.

    By conjugate gradients from `codebook`; the codes stay. There are far fewer unknowns than
    equations. An entry is sought times the root of the number of its blocks, so that all entries
    are alike steep.

    Args:
        codes: [N] int64.
        cross: [O, D].
    """
    entries = len(codebook)
    members = torch.bincount(codes, minlength=entries).clamp_min(1)
    scale = members.to(codebook.dtype).rsqrt()[:, None]

    def flat(entry_by_entry: Tensor) -> np.ndarray:
        return entry_by_entry.flatten().double().cpu().numpy()

    def gathered(rows: Tensor) -> np.ndarray:
        return flat(summed(layout.blocks(rows), codes, entries) * scale)

    def entries_of(found: np.ndarray) -> Tensor:
        return torch.from_numpy(found).to(codebook).view_as(codebook) * scale

    def multiply(found: np.ndarray) -> np.ndarray:
        return gathered(moments.times(layout.rows(entries_of(found)[codes])))

    size = codebook.numel()
    operator = LinearOperator((size, size), matvec=multiply, dtype=np.float64)
    found, _ = cg(operator, gathered(cross), flat(codebook / scale), maxiter=iterations)
    return entries_of(found)


def blocked(
    weight: Tensor,
    size: int,
    centres: int,
    moments: Moments,
    cross: Tensor,
    iterations: int,
    seed: int,
) -> Blocked:
    """Blocks of `weight` [O, I, ...], so that outputs of the layer stay close to their targets.

    Args:
        size: weights in a block.
        moments: H, of the layer's present inputs.
        cross: [O, D], Y'X of outputs wanted and inputs, H times the best weights.
        iterations: of conjugate gradients.
    """
    kernels = weight.flatten(2) if weight.ndim > 2 else weight[:, :, None]
    taps = kernels.shape[2]
    order = best_order(kernels.cpu().numpy(), max(1, size // taps), seed)
    layout = BlockLayout(torch.from_numpy(order).to(weight.device), taps, size)
    blocks = layout.blocks(kernels.flatten(1)).cpu().numpy()
    metric = moments.pooled(layout.columns).double().cpu().numpy()
    metric += _SHRINKAGE * np.diagonal(metric).mean() * np.eye(size)
    codes, codebook = clustered(blocks, metric, centres_for(len(blocks), centres), seed)
    solved = solved_codebook(
        torch.from_numpy(codebook).to(weight),
        torch.from_numpy(codes.astype(np.int64)).to(weight.device),
        layout,
        moments,
        cross,
        iterations,
    )
    return Blocked(
        codes,
        half(solved.cpu().numpy()),
        stored_order(order),
        tuple(weight.shape),
    )
