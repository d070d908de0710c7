"""The NetVLAD layer (Arandjelovic et al., CVPR 2016, equation 4) and its initialisation."""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from pocketvlad.format.roles import Role
from pocketvlad.networks.modules.base import PoolingModule

# As in NetVLAD's own program: the nearest centre outweighs the second 100 : 1 on average.
_ASSIGNMENT_RATIO = 100.0


def cluster_centres(local: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """k-means centres [K, D] of local descriptors [P, D].

    Raises:
        ValueError: fewer descriptors than centres.
    """
    from sklearn.cluster import KMeans  # takes a second to import; one job needs it

    if len(local) < clusters:
        raise ValueError(
            f"{len(local)} local descriptors cannot make {clusters} clusters; raise "
            "`initialise.cluster_images` or `initialise.locals_per_image`"
        )
    # One thread: several would add their partial sums in a varying order, so that the same seed
    # would not give the same centres.
    with threadpool_limits(limits=1):
        return KMeans(clusters, n_init=1, random_state=seed).fit(local).cluster_centers_


class NetVLAD(PoolingModule):
    """Soft-assigns local descriptors to `clusters` centres and sums their residuals.

    The assignment has no bias, as in the published Pitts30k models: with descriptors and
    assignment directions of unit length, the nearest centre is the one of largest inner product.
    """

    roles: ClassVar[Mapping[str, Role]] = {"assignment": Role.CLUSTER, "centres": Role.CLUSTER}
    learns_by = "clustering"
    rotatable = True

    def __init__(self, clusters: int, channels: int) -> None:
        super().__init__()
        self.assignment = nn.Parameter(torch.empty(clusters, channels))
        self.centres = nn.Parameter(torch.empty(clusters, channels))
        for tensor in (self.assignment, self.centres):
            if not tensor.is_meta:  # where it would import torch's compiler, which takes a second
                nn.init.normal_(tensor)

    def forward(self, features: Tensor) -> Tensor:
        """features [N, D, H, W], any length per location -> [N, D * K], of unit length.

        The vector is flattened D-major (all K values of the first channel first), as in the
        published models, so that their whitening matrices fit.
        """
        local = F.normalize(features.flatten(2), dim=1)  # [N, D, P]
        weights = torch.softmax(torch.einsum("kd,ndp->nkp", self.assignment, local), dim=1)
        vlad = torch.einsum("ndp,nkp->ndk", local, weights)
        vlad = vlad - self.centres.t() * weights.sum(dim=2).unsqueeze(1)
        vlad = F.normalize(vlad, dim=1)  # intra-normalisation: each cluster's residual alone
        return F.normalize(vlad.flatten(1), dim=1)

    @torch.no_grad()
    def initialise(self, centres: Tensor, local: Tensor) -> None:
        """Set the layer from k-means.

        Args:
            centres: [K, D], k-means centres of local descriptors.
            local: [P, D], local descriptors of unit length, to choose the softness on.
        """
        directions = F.normalize(centres, dim=1)
        if len(centres) > 1:
            best = (local @ directions.t()).topk(2, dim=1).values
            gap = (best[:, 0] - best[:, 1]).mean().clamp_min(1e-6)
            softness = math.log(_ASSIGNMENT_RATIO) / gap
        else:
            softness = torch.tensor(1.0)
        self.assignment.copy_(softness * directions)
        self.centres.copy_(centres)

    def fit(self, local: Tensor, seed: int) -> None:
        """Centres by k-means. See `PoolingModule`.

        Raises:
            ValueError: fewer descriptors than centres.
        """
        centres = cluster_centres(local.numpy(), len(self.centres), seed)
        self.initialise(torch.from_numpy(centres), local)

    def column_groups(self, length: int) -> Tensor:
        """[K, D] The residual of each cluster."""
        return torch.arange(length).view(-1, len(self.centres)).t()

    def multiply_adds(self, channels: int, places: int) -> int:
        """A place and centre: the assignment's inner product and the weighted residual."""
        return 2 * self.centres.numel() * places

    @torch.no_grad()
    def rotate(self, rotation: Tensor) -> None:
        """Lengths, inner products and norms of residuals are those of the turned features."""
        for tensor in (self.assignment, self.centres):
            tensor.copy_(tensor.to(rotation.dtype) @ rotation)

    def rotated_columns(self, rows: Tensor, rotation: Tensor) -> Tensor:
        """The columns of each cluster, turned alike."""
        by_cluster = rows.view(len(rows), -1, len(self.centres))
        return torch.einsum("rdk,de->rek", by_cluster, rotation).flatten(1)
