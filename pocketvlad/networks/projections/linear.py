"""A linear map, begun as the PCA of pooled vectors of the training city."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Projection
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.linear_map import LinearMap


@dataclass(frozen=True)
class Linear(Projection):
    """A linear map, begun as the PCA of pooled vectors of the training city."""

    length: int = setting("length of the descriptor", minimum=1)

    def size(self, incoming: int) -> int:
        return self.length

    def build(self, incoming: int) -> "LinearMap":
        from pocketvlad.networks.modules.linear_map import LinearMap

        return LinearMap(incoming, self.length)
