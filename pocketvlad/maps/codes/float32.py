"""Every component as a float of four bytes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.maps.map_code import Code

if TYPE_CHECKING:
    import numpy as np

    from pocketvlad.maps.coder import Coder, Parameters


@dataclass(frozen=True, kw_only=True)
class Float32(Code):
    """Every component as a float of four bytes; nothing is learnt."""

    pattern: ClassVar[str] = "float32"

    @property
    def kind(self) -> str:
        return "float32"

    def learn(self, rows: "np.ndarray", seed: int) -> "Coder":
        from pocketvlad.maps.floats import FloatCoder

        return FloatCoder("<f4", rows.shape[1])

    def restore(self, parameters: "Parameters", length: int) -> "Coder":
        from pocketvlad.maps.floats import FloatCoder

        return FloatCoder("<f4", length)
