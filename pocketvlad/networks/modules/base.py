"""What a pooling and a projection provide beside their computation."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from pocketvlad.format.roles import Role


class PoolingModule(nn.Module):
    """Local features [N, D, h, w] -> vectors [N, P], of unit length unless the pooling says so."""

    roles: ClassVar[Mapping[str, Role]] = {}
    """Of the module's own parameters and buffers, by name."""
    learns_by: ClassVar[str | None] = None
    """What `fit`, which is to be called before the first training, does; None: nothing."""
    rotatable: ClassVar[bool] = False
    """Whether `rotate` can compensate for a rotation of the features. If so, each of
    `column_groups` has a column a channel, in the channels' order."""

    def fit(self, local: Tensor, seed: int) -> None:
        """Learn from local features [n, D] of unit length, without labels."""

    def column_groups(self, length: int) -> Tensor:
        """[G, P / G] The components of a pooled vector, in groups with similar moments.

        Within each group the columns are in the same order. One group, unless overridden.
        """
        return torch.arange(length)[None]

    def multiply_adds(self, channels: int, places: int) -> int:
        """For one image of so many places; additions alone are not counted."""
        return 0

    def rotate(self, rotation: Tensor) -> None:
        """Expect features x E in place of x, for an orthonormal E [D, D], float64.

        Raises:
            ValueError: this pooling cannot compensate for a rotation.
        """
        raise ValueError(f"{type(self).__name__} depends on the axes of the features: no rotation")

    def rotated_columns(self, rows: Tensor, rotation: Tensor) -> Tensor:
        """[R, P] What rows of a linear map of the pooled vector become after `rotate`."""
        raise NotImplementedError


class ProjectionModule(nn.Module):
    """Pooled vectors [N, P] -> descriptors [N, F], not yet of unit length."""

    learns_by: ClassVar[str | None] = None
    """What `fit`, which is to be called before the first training, does; None: nothing."""

    @property
    def linear(self) -> nn.Linear | None:
        """The linear map that this is, if it is one."""
        return None

    def fit(self, pooled: Tensor) -> None:
        """Learn from pooled vectors [n, P], without labels."""

    def shorten(self, length: int) -> None:
        """Make all components after the first `length` zero.

        Raises:
            ValueError: the components are not in the order of how much they matter.
        """
        raise ValueError(
            f"{type(self).__name__} does not order its components: keep all of them (rd.length, "
            "--length)"
        )
