"""The triplet loss of Saha, Varma & Jawahar (ACPR 2017)."""

import torch
from torch import Tensor


def triplet_loss(anchor: Tensor, positive: Tensor, negatives: Tensor, margin: float) -> Tensor:
    """`1/2 h(m + |q - p|^2 - |q - n|^2)`, h the hinge, averaged over the negatives.

    Args:
        anchor: [B, D], q.
        positive: [B, D], p.
        negatives: [B, M, D], n.

    Returns:
        a scalar.
    """
    to_positive = (anchor - positive).square().sum(dim=-1, keepdim=True)  # [B, 1]
    to_negatives = (anchor.unsqueeze(1) - negatives).square().sum(dim=-1)  # [B, M]
    return 0.5 * torch.relu(margin + to_positive - to_negatives).mean()
