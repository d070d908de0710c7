"""The multi-similarity loss (Wang et al., CVPR 2019)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.training.pair_loss import PairLoss
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MultiSimilarity(PairLoss):
    """Pairs weighted by how similar they are, and by how similar the other pairs of an image."""

    alpha: float = setting("how much the least similar of the same landmark count", 2.0, above=0)
    beta: float = setting("how much the most similar of other landmarks count", 50.0, above=0)
    threshold: float = setting(
        "lambda, the similarity that both are compared with; the paper has 1, its code 0.5",
        0.5,
        minimum=-1,
        maximum=1,
    )
    mining_margin: float = setting(
        "epsilon: a pair counts if it is at most this far from being in the wrong order with the "
        "hardest pair of the other kind",
        0.1,
        minimum=0,
    )

    def of(self, descriptors: "Tensor", same: "Tensor", different: "Tensor") -> "Tensor":
        """The paper's loss of the pairs that it mines in a batch, averaged over rows.

        A row without pairs of one kind has no order to be wrong in: it adds nothing.
        """
        import torch

        similarity = descriptors @ descriptors.t()
        with torch.no_grad():
            farthest = similarity.masked_fill(~same, torch.inf).amin(dim=1, keepdim=True)
            nearest = similarity.masked_fill(~different, -torch.inf).amax(dim=1, keepdim=True)
            positive = same & (similarity - self.mining_margin < nearest)
            negative = different & (similarity + self.mining_margin > farthest)
        centred = similarity - self.threshold
        return (
            _log_one_plus_sum(-self.alpha * centred, positive) / self.alpha
            + _log_one_plus_sum(self.beta * centred, negative) / self.beta
        ).mean()


def _log_one_plus_sum(exponents: "Tensor", mask: "Tensor") -> "Tensor":
    """[N] `log(1 + sum of exp)` of each row's entries within the mask, without overflow."""
    import torch

    kept = exponents.masked_fill(~mask, -torch.inf)
    zeros = torch.zeros_like(kept[:, :1])  # exp(0) is the 1
    return torch.logsumexp(torch.cat([kept, zeros], dim=1), dim=1)
