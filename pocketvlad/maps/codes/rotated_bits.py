"""One bit a component, after a random rotation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.maps.map_code import Code

if TYPE_CHECKING:
    import numpy as np

    from pocketvlad.maps.coder import Coder, Parameters


@dataclass(frozen=True, kw_only=True)
class RotatedBits(Code):
    """One bit a component, after a random rotation.

    It spreads what a descriptor has in few components over all, so that no bit says less than
    another.
    """

    pattern: ClassVar[str] = "rotated-bits"

    @property
    def kind(self) -> str:
        return "rotated-bits"

    def learn(self, rows: "np.ndarray", seed: int) -> "Coder":
        from pocketvlad.maps.two_levels import BitCoder

        return BitCoder.learnt(rows, seed)

    def restore(self, parameters: "Parameters", length: int) -> "Coder":
        from pocketvlad.maps.two_levels import BitCoder

        return BitCoder.restored(parameters, length, rotated=True)
