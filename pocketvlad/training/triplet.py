"""The triplet loss of Saha, Varma & Jawahar (ACPR 2017)."""

import torch
from torch import Tensor


def triplet_loss(descriptors: Tensor, triplets: Tensor, margin: float) -> Tensor:
    """`1/2 h(m + |q - p|^2 - |q - n|^2)`, h the hinge, averaged over the triplets where it is above
    0.

    Triplets that the margin satisfies have no gradient; averaging over the others keeps the
    step's length from shrinking with the number of easy triplets.

    Args:
        descriptors: [N, D].
        triplets: [T, 3], row numbers of q, p and n.

    Returns:
        a scalar; 0 if the margin satisfies every triplet.
    """
    query, positive, negative = descriptors[triplets].unbind(dim=1)  # [T, D] each
    to_positive = (query - positive).square().sum(dim=1)
    to_negative = (query - negative).square().sum(dim=1)
    losses = 0.5 * torch.relu(margin + to_positive - to_negative)
    return losses.sum() / torch.count_nonzero(losses).clamp_min(1)
