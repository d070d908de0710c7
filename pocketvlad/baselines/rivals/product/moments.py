"""Second moments of a layer's inputs: what errors of its weights do to its outputs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor


class Moments(ABC):
    """H of a layer: an error e of a row of weights costs e H e'."""

    @abstractmethod
    def times(self, rows: Tensor) -> Tensor:
        """[O, D] Rows of weights times H."""

    @abstractmethod
    def pooled(self, columns: Tensor) -> Tensor:
        """[d, d] The mean of H over blocks, given the columns [B, d] of each."""


class FullMoments(Moments):
    """H by groups of a convolution's outputs, [G, D, D]."""

    def __init__(self, by_group: Sequence[Tensor]) -> None:
        self.by_group = by_group

    def times(self, rows: Tensor) -> Tensor:
        parts = rows.chunk(len(self.by_group))
        products = zip(parts, self.by_group, strict=True)
        return torch.cat([part @ moments for part, moments in products])

    def pooled(self, columns: Tensor) -> Tensor:
        chosen = columns[:, :, None], columns[:, None, :]
        return torch.stack([each[chosen].mean(dim=0) for each in self.by_group]).mean(dim=0)


class SampleMoments(Moments):
    """H = S'S / n + r I of samples S [n, D], which are fewer than the inputs: never formed."""

    def __init__(self, samples: Tensor, ridge: float) -> None:
        self.samples, self.ridge = samples, ridge

    def times(self, rows: Tensor) -> Tensor:
        seen = rows @ self.samples.t() @ self.samples
        return seen / len(self.samples) + self.ridge * rows

    def pooled(self, columns: Tensor) -> Tensor:
        seen = self.samples[:, columns.flatten()].view(-1, columns.shape[1])
        moments = seen.t() @ seen / len(seen)
        moments.diagonal().add_(self.ridge)
        return moments
