"""Sections of a config that have a `type`: each type is declared by a file of its own.

A folder holds the types of one kind; the config's `type` is a file's name with dashes. The file has
one class, a frozen dataclass: its fields are what the config says beside `type`. Nothing else has
to know of it: docs/extending.md adds some.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any, get_origin

from pocketvlad.util.discovery import module_names
from pocketvlad.util.settings import declared


@dataclass(frozen=True)
class Typed:
    """What is declared so says this of itself."""

    def __post_init__(self) -> None:
        """Raises ValueError where a value is not of the kind or within the bounds declared."""
        for each in declared(type(self)):
            value = getattr(self, each.name)
            if not (each.fits(value) or (value is None and each.default is None)):
                raise ValueError(f"{each.name} {value!r:.80} does not fit; write {each.words}")

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
class Kind:
    """The types of one kind.

    name: of the kind, for messages.  package: the folder of its files, as it is imported.  base:
    the class that each of them derives from.
    """

    name: str
    package: str
    base: type[Typed]

    @property
    def types(self) -> list[str]:
        """What a config may write as the `type`; none of the files is imported."""
        path = import_module(self.package).__path__
        return [name.replace("_", "-") for name in module_names(path)]

    def declaration(self, name: str) -> Any:
        """The class that declares this type.

        Raises:
            ValueError: there is no such type; the message names those that there are.
        """
        return _declaration(self, name)

    def of(self, section: object) -> Any:
        """What a section of a config, or of a file's header, declares.

        Raises:
            ValueError: unknown type or key, a key is missing, or its value is out of range.
        """
        if not isinstance(section, Mapping) or not isinstance(section.get("type"), str):
            known = ", ".join(self.types)
            raise ValueError(
                f"{self.name} {str(section)[:80]!r} has no type; choose one of {known}"
            )
        found = self.declaration(section["type"])
        given = {key: value for key, value in section.items() if key != "type"}
        what, names = f"{self.name} {section['type']}", [field.name for field in fields(found)]
        if unknown := [str(key) for key in given if key not in names]:
            known = ", ".join(names) or "none"
            raise ValueError(f"{what}: {unknown[0]!r} is unknown; known are {known}")
        for each in declared(found):
            if each.required and each.name not in given:
                raise ValueError(f"{what}: {each.name} is missing; write {each.words}")
        lists = [each.name for each in declared(found) if get_origin(each.kind) is tuple]
        try:
            return found(**{k: _as_tuple(v) if k in lists else v for k, v in given.items()})
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from None


def _as_tuple(value: object) -> object:
    """A list, as a config and a file's header have it, as a tuple; all else as it is."""
    return tuple(value) if isinstance(value, list) else value


@cache
def _declaration(kind: Kind, name: str) -> type[Typed]:
    if name not in kind.types:
        known = ", ".join(kind.types)
        raise ValueError(f"{kind.name} {name!r} is unknown; choose one of {known}")
    module = import_module(f"{kind.package}.{name.replace('-', '_')}")
    [found] = (
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, kind.base)
        and each.__module__ == module.__name__
    )
    return found
