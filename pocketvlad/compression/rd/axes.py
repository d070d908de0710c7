"""Axes and scales in which a projection takes the fewest bits.

The residuals of images lie near few directions, much the same in all clusters. Rotated into these
(`networks.rotation`), most columns of the projection have inputs so small that their weights become
zeros.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from pocketvlad.compression.rd.prior import pooled_moments
from pocketvlad.networks.network import RetrievalNetwork

_LEAST = 1e-4  # of the largest deviation: smaller ones are taken to be of this size


def principal_directions(network: RetrievalNetwork, batches: Iterable[Tensor]) -> Tensor:
    """[D, D] E, orthonormal: the principal directions of the pooled vectors, the largest first.

    They are those of all groups of columns together: of NetVLAD, of the residuals of all clusters.

    Args:
        network: one that `rotation.is_rotatable`.
        batches: of images.
    """
    pooled = torch.cat([network.pooled(batch) for batch in batches])
    pooled -= pooled.mean(dim=0)
    groups = network.pooling.column_groups(pooled.shape[1]).to(pooled.device)
    # On the CPU, so that the axes are the same wherever the rest computes.
    _, directions = torch.linalg.eigh(pooled_moments(pooled, groups).cpu())
    return directions.flip(1).to(pooled)


def column_scales(inputs: Tensor, groups: Tensor) -> Tensor:
    """[P] The scale of each column of a projection, which its multiples of one step stand for.

    It is one over the square root of its input's deviation, so that errors of the weights shrink as
    that root grows. One step for all weights spends bits on small inputs; the same error for all
    outputs (full deviations: reverse water-filling) holds where steps are fine. Steps are coarse
    here, and what lies between the two takes the fewest bytes.

    A column has the scale of its place in its group: few numbers to store. They are numbers of half
    precision, 1 for the largest input.

    Args:
        inputs: [n, P], centred.
        groups: [K, D], columns with similar moments.
    """
    groups = groups.to(inputs.device)
    deviations = inputs.square().mean(dim=0)[groups].mean(dim=0).sqrt()
    largest = deviations.max()
    if not largest:
        return torch.ones_like(inputs[0])
    scales = (deviations / largest).clamp_min(_LEAST).rsqrt().half().to(inputs.dtype)
    result = torch.empty_like(inputs[0])
    result[groups] = scales.expand(groups.shape)
    return result
