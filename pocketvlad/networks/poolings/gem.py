"""The generalised mean (Radenovic et al., IEEE PAMI 2019)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.mean import GeM as Module

SIGNS = ("positive", "absolute", "apart")


@dataclass(frozen=True)
class GeM(Pooling):
    """GeM; fine-tuning moves the exponent where it trains the pooling.

    A backbone that ends without a ReLU has informative negative values.
    """

    exponent: float = setting("the exponent to begin with: 1 is the mean", default=3.0, above=0)
    signs: str | None = setting(
        "what is averaged. positive: values below zero count as zero; absolute: absolute values "
        "(the root mean square at exponent 2); apart: the positive part and the negative part, "
        "each by itself, which makes the vector twice as long. positive unless told",
        default=None,
        choices=SIGNS,
    )

    def length(self, channels: int) -> int:
        return 2 * channels if self.signs == "apart" else channels

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.mean import GeM as Module

        return Module(self.exponent, self.signs or "positive")
