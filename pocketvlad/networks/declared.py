"""The parts of a network as a config declares them. Free of torch: Snakemake reads these at start.

A part is declared by a file in `backbones`, `poolings` or `projections`; the config's `type` is the
file's name with dashes. The file has one class, a frozen dataclass: its fields are what the config
says beside `type`, and `build` makes the module that computes. Nothing else has to know of it:
docs/extending.md adds one of each.
"""

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from pocketvlad.format.roles import Part
from pocketvlad.util.settings import declared

if TYPE_CHECKING:
    from torch import nn

    from pocketvlad.networks.modules.base import PoolingModule, ProjectionModule


@dataclass(frozen=True)
class DeclaredPart(ABC):
    """What every part says of itself."""

    part: ClassVar[Part]

    def __post_init__(self) -> None:
        """Raises ValueError where a value is not of the kind or within the bounds declared."""
        for each in declared(type(self)):
            value = getattr(self, each.name)
            if not (each.fits(value) or (value is None and each.default is None)):
                raise ValueError(f"{each.name} {value!r} does not fit; write {each.words}")

    @property
    def type(self) -> str:
        """What a config calls it."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    def as_dict(self) -> dict[str, object]:
        """As the config writes it, without what may be left out and is."""
        return {"type": self.type, **self._given()}

    def _given(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    def __str__(self) -> str:
        """In words: "netvlad (clusters 64)"."""
        settings = ", ".join(f"{name} {value}" for name, value in self._given().items())
        return f"{self.type} ({settings})" if settings else self.type


@dataclass(frozen=True)
class Backbone(DeclaredPart):
    """Images [N, 3, H, W] -> local features [N, channels, h, w]."""

    part = Part.BACKBONE
    min_side: ClassVar[int]
    """Pixels that an image must have on either side."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Numbers of a local feature."""

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

    @abstractmethod
    def build(self, incoming: int) -> "ProjectionModule":
        """The module, with weights that mean nothing yet."""


_FOLDERS: dict[Part, tuple[str, type[DeclaredPart]]] = {
    Part.BACKBONE: ("backbones", Backbone),
    Part.POOLING: ("poolings", Pooling),
    Part.PROJECTION: ("projections", Projection),
}


def part_types(part: Part) -> list[str]:
    """What a config may write as the `type` of a part; nothing is imported for it.

    >>> "pca-whitening" in part_types(Part.PROJECTION)
    True
    """
    package = import_module(f"{__package__}.{_FOLDERS[part][0]}")
    return sorted(each.name.replace("_", "-") for each in pkgutil.iter_modules(package.__path__))


@cache
def part_class(part: Part, name: str) -> type[DeclaredPart]:
    """The class that declares the parts of this type.

    Raises:
        ValueError: there is no such type; the message names those that there are.
    """
    if name not in part_types(part):
        known = ", ".join(part_types(part))
        raise ValueError(f"{part} {name!r} is unknown; choose one of {known}")
    folder, base = _FOLDERS[part]
    module = import_module(f"{__package__}.{folder}.{name.replace('-', '_')}")
    [found] = (
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each.__module__ == module.__name__
    )
    return found


def declared_part(part: Part, section: object) -> DeclaredPart:
    """The part that a section of a config, or of a file's header, declares.

    >>> declared_part(Part.POOLING, {"type": "netvlad", "clusters": 64}).length(channels=512)
    32768

    Raises:
        ValueError: unknown type or key, a key is missing, or its value is out of range.
    """
    if not isinstance(section, Mapping) or not isinstance(section.get("type"), str):
        known = ", ".join(part_types(part))
        raise ValueError(f"{part} {str(section)[:80]!r} has no type; choose one of {known}")
    found = part_class(part, section["type"])
    given = {key: value for key, value in section.items() if key != "type"}
    names = [field.name for field in fields(found)]
    if unknown := [str(key) for key in given if key not in names]:
        known = ", ".join(names) or "none"
        raise ValueError(f"{part} {section['type']}: {unknown[0]!r} is unknown; known are {known}")
    for each in declared(found):
        if each.required and each.name not in given:
            raise ValueError(
                f"{part} {section['type']}: {each.name} is missing; write {each.words}"
            )
    try:
        return found(**given)
    except ValueError as error:
        raise ValueError(f"{part} {section['type']}: {error}") from None
