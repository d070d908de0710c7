"""The parts of a network as a config declares them. Free of torch: Snakemake reads these at start.

A part is declared by a file in `backbones`, `poolings` or `projections` (`util.typed`). The fields
of its class are what the config says beside `type`, and `build` makes the module that computes.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.format.roles import Part
from pocketvlad.util.typed import Kind, Typed

if TYPE_CHECKING:
    from torch import nn

    from pocketvlad.networks.modules.base import PoolingModule, ProjectionModule


@dataclass(frozen=True)
class DeclaredPart(Typed, ABC):
    """What every part says of itself."""

    part: ClassVar[Part]


@dataclass(frozen=True)
class Backbone(DeclaredPart):
    """Images [N, 3, H, W] -> local features [N, channels, h, w]."""

    part = Part.BACKBONE
    min_side: ClassVar[int]
    """Pixels that an image must have on either side."""
    map_numbers: ClassVar[float] = 64
    """Numbers of its largest map for each pixel of an image, at full width, or more: from these
    follow the memory and the time that jobs ask a cluster for. VGG16's unless declared."""
    million_weights: ClassVar[float] = 50
    """Its weights at full width, in millions, or more; for the same purpose."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Numbers of a local feature."""

    @property
    def relative_width(self) -> float:
        """Channels in parts of those at full width."""
        return 1.0

    @abstractmethod
    def build(self) -> "nn.Module":
        """The module, with weights that mean nothing yet."""


@dataclass(frozen=True)
class Pooling(DeclaredPart):
    """Local features [N, channels, h, w] -> vectors [N, length], see `PoolingModule`."""

    part = Part.POOLING

    @abstractmethod
    def length(self, channels: int) -> int:
        """Numbers of a pooled vector."""

    @abstractmethod
    def build(self, channels: int) -> "PoolingModule":
        """The module, with weights that mean nothing yet."""


@dataclass(frozen=True)
class Projection(DeclaredPart):
    """Pooled vectors [N, incoming] -> descriptors [N, size], not yet of unit length."""

    part = Part.PROJECTION

    @abstractmethod
    def size(self, incoming: int) -> int:
        """Numbers of a descriptor."""

    def weights(self, incoming: int) -> int:
        """Those of the map from pooled vectors to descriptors."""
        return incoming * self.size(incoming)

    @abstractmethod
    def build(self, incoming: int) -> "ProjectionModule":
        """The module, with weights that mean nothing yet."""


KINDS: dict[Part, Kind] = {
    part: Kind(str(part), f"{__package__}.{folder}", base)
    for part, folder, base in (
        (Part.BACKBONE, "backbones", Backbone),
        (Part.POOLING, "poolings", Pooling),
        (Part.PROJECTION, "projections", Projection),
    )
}


def part_types(part: Part) -> list[str]:
    """What a config may write as the `type` of a part; nothing is imported for it.

    >>> "pca-whitening" in part_types(Part.PROJECTION)
    True
    """
    return KINDS[part].types


def part_class(part: Part, name: str) -> type[DeclaredPart]:
    """The class that declares the parts of this type.

    Raises:
        ValueError: there is no such type; the message names those that there are.
    """
    return KINDS[part].declaration(name)


def declared_part(part: Part, section: object) -> DeclaredPart:
    """The part that a section of a config, or of a file's header, declares.

    >>> declared_part(Part.POOLING, {"type": "netvlad", "clusters": 64}).length(channels=512)
    32768

    Raises:
        ValueError: unknown type or key, a key is missing, or its value is out of range.
    """
    return KINDS[part].of(section)
