"""Backbones in stages: the first ones may be kept alone, and all may be narrower."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar, TypeVar

from pocketvlad.networks.declared import Backbone
from pocketvlad.networks.scaled import scaled
from pocketvlad.util.settings import setting

T = TypeVar("T")


def up_to(last: str, layers: "OrderedDict[str, T]") -> "OrderedDict[str, T]":
    """The layers to the one called `last`, itself included.

    >>> list(up_to("b", OrderedDict(a=1, b=2, c=3)))
    ['a', 'b']
    """
    return OrderedDict(islice(layers.items(), list(layers).index(last) + 1))


@dataclass(frozen=True)
class StagedBackbone(Backbone):
    """A published network, cut after one of its stages."""

    width: float = setting("1 is the published network", default=1.0, above=0, maximum=1)
    stages: int | None = setting(
        "stages that are kept, all unless told; the last of them gives the local features",
        default=None,
        minimum=1,
    )

    stage_channels: ClassVar[tuple[int, ...]]
    """What each stage gives, at width 1."""
    multiple: ClassVar[int] = 1
    """Narrower stages have a multiple of so many channels."""

    def __post_init__(self) -> None:
        """Raises ValueError where a value does not fit, or there are not so many stages."""
        super().__post_init__()
        most = len(self.stage_channels)
        if self.stages is not None and self.stages > most:
            raise ValueError(
                f"stages {self.stages} does not fit; write a whole number from 1 to {most}"
            )

    @property
    def kept(self) -> tuple[int, ...]:
        """Channels of the stages that are kept, at this width."""
        published = self.stage_channels[: self.stages]
        return tuple(scaled(each, self.width, self.multiple) for each in published)

    @property
    def channels(self) -> int:
        return self.kept[-1]

    @property
    def relative_width(self) -> float:
        return self.width

    @property
    def whole(self) -> "StagedBackbone":
        """The same with all of its stages."""
        return replace(self, stages=None)
