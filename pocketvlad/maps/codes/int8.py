"""Every component as one of 256 steps of its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.maps.map_code import Code

if TYPE_CHECKING:
    import numpy as np

    from pocketvlad.maps.coder import Coder, Parameters


@dataclass(frozen=True, kw_only=True)
class Int8(Code):
    """A byte a component; each component has its own range, that of the training city."""

    pattern: ClassVar[str] = "int8"

    @property
    def kind(self) -> str:
        return "int8"

    def learn(self, rows: "np.ndarray", seed: int) -> "Coder":
        from pocketvlad.maps.steps import StepCoder

        return StepCoder.learnt(rows)

    def restore(self, parameters: "Parameters", length: int) -> "Coder":
        from pocketvlad.maps.steps import StepCoder

        return StepCoder.restored(parameters, length)
