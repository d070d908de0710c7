"""The NetVLAD layer (Arandjelovic et al., CVPR 2016, equation 4) and its initialisation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Relja's choice: softness such that the nearest centre outweighs the second 100 : 1 on average.
_ASSIGNMENT_RATIO = 100.0


class NetVLAD(nn.Module):
    """Soft-assigns local descriptors to `clusters` centres and sums their residuals.

    The assignment has no bias, as in the published Pitts30k models: with descriptors and
    assignment directions of unit length, the nearest centre is the one of largest inner product.
    """

    def __init__(self, clusters: int, channels: int) -> None:
        super().__init__()
        self.assignment = nn.Parameter(torch.empty(clusters, channels))
        self.centres = nn.Parameter(torch.empty(clusters, channels))
        nn.init.normal_(self.assignment)
        nn.init.normal_(self.centres)

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
