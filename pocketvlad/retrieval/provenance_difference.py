"""In what two provenances differ, in words. Takes no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

_WORDS = {
    "model_sha256": "with another model",
    "preprocessing": "with another preprocessing",
    "sizing": "from images of another size",
}
_LONGEST = 300  # characters of a file that may be anybody's


@dataclass(frozen=True)
class Difference:
    """key: the first that differs.  made: "with another model".  values: those of one, and beside
    each that of the other."""

    key: str
    made: str
    values: str


def difference(one: object, other: object, beside: str) -> Difference | None:
    """The first difference of two provenances; None where they differ in nothing that is known.

    Args:
        one, other: as `provenance` makes them, read as JSON; or anything.
        beside: goes before each value of the other.

    >>> sizes = [{"sizing": {"image_size": 96, "squeeze": each}} for each in ([80, 96], None)]
    >>> found = difference(*sizes, "here")
    >>> found.made, found.values
    ('from images of another size', 'squeeze [80, 96], here none')
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key, made in _WORDS.items():
            if one.get(key) != other.get(key):
                return Difference(key, made, _values(one.get(key), other.get(key), beside))
    return None


def text_difference(one: str, other: str, beside: str) -> Difference | None:
    """The same of two texts, of whatever origin."""
    try:
        return difference(json.loads(one), json.loads(other), beside)
    except (ValueError, RecursionError):
        return None


def _values(mine: object, other: object, beside: str) -> str:
    if isinstance(mine, Mapping) and isinstance(other, Mapping):
        keys = sorted(key for key in {*mine, *other} if mine.get(key) != other.get(key))
        pairs = (f"{key} {_said(mine, key)}, {beside} {_said(other, key)}" for key in keys)
        return "; ".join(pairs)[:_LONGEST]
    return f"{str(mine)[:16]}, {beside} {str(other)[:16]}"


def _said(entries: Mapping, key: str) -> object:
    value = entries.get(key)
    return "none" if value is None else value
