"""No projection: the pooled vector is the descriptor."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Projection

if TYPE_CHECKING:
    from pocketvlad.networks.modules.linear_map import NoProjection


@dataclass(frozen=True)
class Nothing(Projection):
    """No projection."""

    def __str__(self) -> str:
        return "no projection"

    def size(self, incoming: int) -> int:
        return incoming

    def weights(self, incoming: int) -> int:
        return 0

    def build(self, incoming: int) -> "NoProjection":
        from pocketvlad.networks.modules.linear_map import NoProjection

        return NoProjection()
