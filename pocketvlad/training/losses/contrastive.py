"""The contrastive loss (Hadsell et al., CVPR 2006) of all pairs of a batch.

For image retrieval: Radenovic et al., IEEE PAMI 2019, who take a margin of 0.7 for AlexNet.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.training.pair_loss import PairLoss
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-12  # the root of nothing has no derivative


@dataclass(frozen=True)
class Contrastive(PairLoss):
    """Pairs that show the same are drawn together, others pushed apart up to a margin."""

    margin: float = setting(
        "the distance beyond which others are let alone; that of orthogonal descriptors is 1.41",
        0.7,
        above=0,
        maximum=2,
    )

    def of(self, descriptors: "Tensor", same: "Tensor", different: "Tensor") -> "Tensor":
        """`1/2 d^2` of pairs that show the same, `1/2 max(0, margin - d)^2` of others.

        The mean of the first, plus the mean of those of the others that are above 0: most others
        are beyond the margin, and a mean over all of them would be as good as nothing.
        """
        squares = (2 - 2 * descriptors @ descriptors.t()).clamp_min(_LEAST)
        near = 0.5 * (self.margin - squares.sqrt()).clamp_min(0).square() * different
        together = 0.5 * (squares * same).sum() / same.sum().clamp_min(1)
        return together + near.sum() / near.count_nonzero().clamp_min(1)
