"""The mean of the local features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pocketvlad.networks.declared import Pooling
from pocketvlad.util.settings import setting

if TYPE_CHECKING:
    from pocketvlad.networks.modules.mean import Mean as Module


@dataclass(frozen=True)
class Mean(Pooling):
    """The mean of the local features."""

    unit_length: bool | None = setting(
        "whether the mean is scaled to unit length; true unless told. A classifier's linear layer "
        "has a bias and takes the mean as it is. Without a projection it makes no difference",
        None,
    )

    def length(self, channels: int) -> int:
        return channels

    def build(self, channels: int) -> "Module":
        from pocketvlad.networks.modules.mean import Mean as Module

        return Module(unit_length=self.unit_length is not False)
