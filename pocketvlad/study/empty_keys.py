"""Keys without a value, which a file that is laid over another study takes something away with."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pocketvlad.study.declaration import Study
from pocketvlad.study.faults import unknown_keys
from pocketvlad.study.parts import typed_declarations
from pocketvlad.util.settings import schema_of


def _typed_schemas() -> dict[tuple[str, str], dict]:
    """By where they stand and their type, the schemas of sections that have a `type`."""
    found = {}
    for path, name, cls in typed_declarations():
        schema = schema_of(cls)
        found[path, name] = schema | {"properties": {"type": {}} | schema["properties"]}
    return found


_TYPED = _typed_schemas()


def _within(schema: Mapping, key: str, node: Mapping) -> Mapping:
    """`schema`, or that of the section's type."""
    place = re.sub(r"^models\.[^.]+", "models.<name>", key)
    return _TYPED.get((place, str(node.get("type"))), schema)


def _child(schema: Mapping, name: str) -> Mapping:
    found = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
    return found if isinstance(found, Mapping) else {}


def _unknown(node: object, schema: Mapping, key: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        schema = _within(schema, key, node)
        allowed = schema.get("properties")
        names = [name for name, value in node.items() if value is None]
        if allowed is not None and (unknown := [name for name in names if name not in allowed]):
            yield unknown_keys(key, unknown, allowed)
        for name, value in node.items():
            yield from _unknown(value, _child(schema, name), f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _unknown(value, schema.get("items", {}), f"{key}.{number}")


def unknown_empty_keys(config: Mapping) -> Iterator[str]:
    """A line for each section that has keys without a value that are not declared: a slip takes
    nothing away.

    Args:
        config: whose aliases do not hold themselves.
    """
    yield from _unknown(config, schema_of(Study), "")


def drop_empty_keys(node: dict[str, Any] | list[Any]) -> None:
    """Take the keys without a value out of a section and out of all that it holds, in place.

    >>> config = {"study": "own", "map": None, "rd": {"crops": 64, "patches": None}}
    >>> drop_empty_keys(config)
    >>> config
    {'study': 'own', 'rd': {'crops': 64}}
    """
    if isinstance(node, dict):
        for name in [name for name, value in node.items() if value is None]:
            del node[name]
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            drop_empty_keys(value)
