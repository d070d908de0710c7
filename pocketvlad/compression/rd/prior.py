"""The prior of a pooled vector's second moments, for fewer samples than components."""

from collections.abc import Iterator

import torch
from torch import Tensor


def pooled_moments(samples: Tensor, groups: Tensor) -> Tensor:
    """[D, D] float64, the second moments of samples [n, D K], their mean over groups [K, D]."""
    pool = sum(samples[:, own].t() @ samples[:, own] for own in groups).double()
    return pool / (len(samples) * len(groups))


def group_prior(
    samples: Tensor, groups: Tensor, ridge: float, pooled: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """By group of columns, its columns [D] and what is added to their second moments, [D, D].

    Residuals have similar directions in all clusters, since channels that correlate do so
    everywhere. The moments pooled over the clusters are well estimated from few images. They stand
    for each cluster's own, in proportion to the size of its residuals. Clusters are taken to be
    independent. (Shrinkage to a structured target; Ledoit & Wolf, J. Multivariate Analysis, 2004.)

    Args:
        samples: [n, D K], centred.
        groups: [K, D], columns whose moments are much alike: of NetVLAD, those of each cluster.
        ridge: how much is added, relative to the samples' moments, above 0.
        pooled: the share of it that is pooled moments, below 1; the rest is the same in all
            directions and for all clusters.
    """
    groups = groups.to(samples.device)
    pool = pooled_moments(samples, groups)
    pool /= pool.diagonal().mean()
    identity = torch.eye(len(pool), dtype=pool.dtype, device=pool.device)
    alike = (1 - pooled) * float(samples.square().mean()) * identity
    for own in groups:
        size = float(samples[:, own].square().mean())
        yield own, ridge * (pooled * size * pool + alike)
