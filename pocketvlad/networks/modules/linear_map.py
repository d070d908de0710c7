"""Projections that are a linear map of the pooled vector."""

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.networks.modules.base import ProjectionModule
from pocketvlad.util.counted import counted
from pocketvlad.util.told_axes import told_axes


def principal_components(
    pooled: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PCA of N vectors.

    Args:
        pooled: [N, P].
        length: F, the number of components, below N; no more than the vectors tell.

    Returns:
        axes [F, P] of unit length, in the order of their variance; variances [F]; mean [P].

    Raises:
        ValueError: `length` is not below N, or above P, or above the vectors' rank.
    """
    from sklearn.decomposition import PCA  # takes a second to import; one job needs it

    count, numbers = pooled.shape
    if length >= count:
        raise ValueError(
            f"{counted(count, 'descriptor')} cannot give {length} principal components; raise "
            "`initialise.projection_samples`, or lower `length` of the projection"
        )
    if length > numbers:
        raise ValueError(
            f"pooled vectors of {numbers} numbers cannot give {length} principal components; "
            f"write {numbers} or less as `length` of the projection"
        )
    pca = PCA(length, svd_solver="full").fit(pooled)
    told = told_axes(pooled, pca.explained_variance_)
    if not told:
        raise ValueError(
            f"{count} pooled vectors are all alike, and nothing can be learnt from them; check "
            "`weights` of the model, or take other images"
        )
    if told < length:  # what is divided by its deviation would be rounding
        raise ValueError(
            f"{count} pooled vectors, some of which are alike or depend on others, have {told} "
            f"principal components, not {length}; write {told} or less as `length` of the "
            "projection, or raise `initialise.projection_samples`"
        )
    return pca.components_, pca.explained_variance_, pca.mean_


class LinearMap(nn.Linear, ProjectionModule):
    """A linear map whose rows are the principal components of the pooled vectors."""

    learns_by = "PCA"

    @property
    def linear(self) -> nn.Linear:
        return self

    @torch.no_grad()
    def fit(self, pooled: Tensor) -> None:
        """Set the layer by PCA. See `ProjectionModule`.

        Raises:
            ValueError: there are more components than the vectors tell, see `principal_components`.
        """
        axes, variances, mean = principal_components(pooled.numpy(), self.out_features)
        weight = axes / self.divisors(variances)[:, np.newaxis]
        self.weight.copy_(torch.from_numpy(weight.astype(np.float32)))
        if self.bias is not None:
            self.bias.copy_(torch.from_numpy((-weight @ mean).astype(np.float32)))

    def divisors(self, variances: np.ndarray) -> np.ndarray:
        """[F] What each component is divided by, of their `variances` [F]."""
        return np.ones_like(variances)

    @torch.no_grad()
    def shorten(self, length: int) -> None:
        """The rows are in the order of their components' variance, so the last ones matter
        least."""
        self.weight[length:] = 0
        if self.bias is not None:
            self.bias[length:] = 0


class WhiteningMap(LinearMap):
    """The same, each component divided by a power of its deviation (1: Jegou & Chum, ECCV 2012).

    The scale is such that a vector that was learnt from has an expected squared length of one. (It
    is free, since an L2 normalisation follows; this one keeps gradients in a usual range.)
    """

    def __init__(self, incoming: int, length: int, power: float = 1.0) -> None:
        super().__init__(incoming, length)
        self.power = power

    def divisors(self, variances: np.ndarray) -> np.ndarray:
        """See `LinearMap`."""
        return np.sqrt(variances**self.power * (variances ** (1 - self.power)).sum())


class NoProjection(ProjectionModule):
    """The pooled vector is the descriptor."""

    def forward(self, pooled: Tensor) -> Tensor:
        """[N, P] -> [N, P]."""
        return pooled
