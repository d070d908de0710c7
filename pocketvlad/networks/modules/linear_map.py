"""Projections that are a linear map of the pooled vector."""

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.networks.modules.base import ProjectionModule


def principal_components(
    pooled: np.ndarray, length: int, whiten: bool
) -> tuple[np.ndarray, np.ndarray]:
    """PCA as a linear layer, learnt from N vectors; with whitening as Jegou & Chum, ECCV 2012.

    Args:
        pooled: [N, P].
        length: F, the number of components, below N.
        whiten: whether each component is divided by its deviation. If so, the scale is such that
            a vector that was learnt from has an expected squared length of one. (The scale is
            free, since an L2 normalisation follows; this one keeps gradients in a usual range.)

    Returns:
        weight [F, P] and bias [F], the components in the order of their variance.

    Raises:
        ValueError: `length` is not below N.
    """
    from sklearn.decomposition import PCA  # a second to import, for one job of a study

    if length >= len(pooled):
        raise ValueError(
            f"{len(pooled)} descriptors cannot give {length} principal components; raise "
            "`initialise.projection_samples`, or lower `length` of the projection"
        )
    pca = PCA(length, whiten=whiten, svd_solver="full").fit(pooled)
    weight = pca.components_
    if whiten:
        weight = weight / np.sqrt(pca.explained_variance_ * length)[:, np.newaxis]
    return weight.astype(np.float32), (-weight @ pca.mean_).astype(np.float32)


class LinearMap(nn.Linear, ProjectionModule):
    """A linear map whose rows answer to the principal components of the pooled vectors."""

    learns_by = "PCA"
    whitens = False

    @property
    def linear(self) -> nn.Linear:
        return self

    @torch.no_grad()
    def fit(self, pooled: Tensor) -> None:
        """Set the layer by PCA. See `ProjectionModule`.

        Raises:
            ValueError: there are not more vectors than components.
        """
        weight, bias = principal_components(pooled.numpy(), self.out_features, self.whitens)
        self.weight.copy_(torch.from_numpy(weight))
        self.bias.copy_(torch.from_numpy(bias))

    @torch.no_grad()
    def shorten(self, length: int) -> None:
        """The rows are in the order of the variance of what they answer to: the last ones are
        missed least."""
        self.weight[length:] = 0
        self.bias[length:] = 0


class WhiteningMap(LinearMap):
    """The same, each component divided by its deviation."""

    whitens = True


class NoProjection(ProjectionModule):
    """The pooled vector is the descriptor."""

    def forward(self, pooled: Tensor) -> Tensor:
        """[N, P] -> [N, P]."""
        return pooled
