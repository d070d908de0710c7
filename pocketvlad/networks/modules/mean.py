"""Poolings that average over the places of an image."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pocketvlad.format.roles import Role
from pocketvlad.networks.modules.base import PoolingModule

_LEAST = 1e-6  # the root has no derivative at 0

_SIGNED: Mapping[str, Callable[[Tensor], Tensor]] = {
    "positive": lambda features: features,
    "absolute": torch.abs,
    "apart": lambda features: torch.cat([features, -features], dim=1),
}
"""[N, D, H, W] -> [N, D or 2D, H, W], of which GeM takes what is above zero."""


class Mean(PoolingModule):
    """The mean of the local features."""

    rotatable = True

    def forward(self, features: Tensor) -> Tensor:
        """[N, D, H, W] -> [N, D] of unit length."""
        return F.normalize(features.mean(dim=(2, 3)), dim=1)

    def rotate(self, rotation: Tensor) -> None:
        """The mean of rotated features is the rotated mean."""

    def rotated_columns(self, rows: Tensor, rotation: Tensor) -> Tensor:
        """See `PoolingModule`."""
        return rows @ rotation


class AbsMean(PoolingModule):
    """The mean of the features' absolute values: a backbone that ends without a ReLU has
    informative negative values."""

    def forward(self, features: Tensor) -> Tensor:
        """[N, D, H, W] -> [N, D] of unit length."""
        return F.normalize(features.abs().mean(dim=(2, 3)), dim=1)


class GeM(PoolingModule):
    """The generalised mean, with an exponent that fine-tuning may move (Radenovic et al., IEEE
    PAMI 2019): 1 is the mean, infinity the maximum.

    What is below zero counts as zero, unless `signs` is "absolute" or "apart": the first averages
    absolute values, the second the positive and the negative part, each by itself.
    """

    roles: ClassVar[Mapping[str, Role]] = {"exponent": Role.OTHER}

    def __init__(self, exponent: float, signs: str = "positive") -> None:
        super().__init__()
        self.signs = signs
        self.exponent = nn.Parameter(torch.tensor([float(exponent)]))

    def generalised_mean(self, features: Tensor) -> Tensor:
        """[N, D, H, W] -> [N, D], [N, 2D] with both signs apart: all positive parts first."""
        powers = _SIGNED[self.signs](features).clamp_min(_LEAST).pow(self.exponent)
        return powers.mean(dim=(2, 3)).pow(1 / self.exponent)

    def forward(self, features: Tensor) -> Tensor:
        """[N, D, H, W] -> [N, D or 2D] of unit length."""
        return F.normalize(self.generalised_mean(features), dim=1)

    def multiply_adds(self, channels: int, places: int) -> int:
        """A power a number, counted as one."""
        return channels * places * (2 if self.signs == "apart" else 1)


class CosPlaceGeM(GeM):
    """The generalised mean of local features of unit length; its own length is kept.

    The linear layer after it has a bias, so that the length matters.
    """

    def forward(self, features: Tensor) -> Tensor:
        """[N, D, H, W] -> [N, D]."""
        return self.generalised_mean(F.normalize(features, dim=1))
