"""One bit a component."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.maps.map_code import Code

if TYPE_CHECKING:
    import numpy as np

    from pocketvlad.maps.coder import Coder, Parameters


@dataclass(frozen=True, kw_only=True)
class Bits(Code):
    """One bit a component: which of its two levels is nearer."""

    pattern: ClassVar[str] = "bits"

    @property
    def kind(self) -> str:
        return "bits"

    def learn(self, rows: "np.ndarray", seed: int) -> "Coder":
        from pocketvlad.maps.two_levels import BitCoder

        return BitCoder.learnt(rows, None)

    def restore(self, parameters: "Parameters", length: int) -> "Coder":
        from pocketvlad.maps.two_levels import BitCoder

        return BitCoder.restored(parameters, length, rotated=False)
