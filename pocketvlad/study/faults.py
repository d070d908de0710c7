"""Faults of a section of the config against its declaration: key, value and remedy of each."""

import math
from collections.abc import Iterable, Iterator, Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from pocketvlad.util.settings import LARGEST, schema_of


class ConfigError(ValueError):
    """The message has a line for each fault: its key, its value and the remedy."""

    def __init__(self, faults: Iterable[str], about: str = "the config is wrong") -> None:
        super().__init__("\n  ".join([f"{about}:", *faults]))


def _is_whole(_: object, value: object) -> bool:
    # 8.0 is none: a count with a point is a slip.
    return type(value) is int and abs(value) < LARGEST


def _is_finite(_: object, value: object) -> bool:
    return _is_whole(_, value) or (type(value) is float and math.isfinite(value))


_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


def _unreadable_names(node: object, key: str = "") -> Iterator[str]:
    """Names that YAML reads as something else than text."""
    if isinstance(node, Mapping):
        for name, child in node.items():
            place = f"{key}.{name}" if key else str(name)
            if isinstance(name, bool):
                words = "yes, on or true" if name else "no, off or false"
                yield f"{place}: YAML reads the name {words} as {name}; put it in quotes"
            elif not isinstance(name, str):
                yield f'{place}: the name {name} is no text to YAML; put it in quotes, "{name}"'
            yield from _unreadable_names(child, place)
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _unreadable_names(child, f"{key}.{number}")


def _as_number(text: str, whole: bool) -> str | None:
    """A text that was meant as a number, as YAML reads one; None for other texts."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if value.is_integer() and (whole or text.strip().lstrip("+-").isdecimal()):
        return str(int(value))
    mantissa, _, exponent = text.strip().lower().partition("e")
    if not exponent:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def _wrong_type(key: str, value: object, wanted: str | list[str], remedy: str) -> str:
    """One line on a value of another type than its key has."""
    if value is None:
        return f"{key} has no value; write {remedy}"
    if isinstance(value, float) and not math.isfinite(value) and wanted in ("integer", "number"):
        return f"{key}: {value} is not finite; write {remedy}"
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return f"{key}: {value} has a decimal point; write {int(value)}, {remedy}"
    if wanted in ("integer", "number") and isinstance(value, str):
        number = _as_number(value, wanted == "integer")
        if number is not None:
            return f"{key}: {value!r} is text to YAML; write {number}, {remedy}"
    if wanted == "string" and not isinstance(value, Mapping | list):
        return f"{key}: {value!r} is no text to YAML; put it in quotes, or write {remedy}"
    return f"{key}: {value!r} does not fit; write {remedy}"


def unknown_keys(key: str, unknown: Iterable[object], allowed: Iterable[str]) -> str:
    """One line on names that the section `key` does not have."""
    place = f" in {key}" if key else ""
    return (
        f"unknown key{place}: {', '.join(map(str, unknown))}; "
        f"known are {', '.join(allowed)}; remove it or correct its spelling"
    )


def _explain(error: ValidationError, above: str) -> str:
    """One line: which key, which value, what is wrong, what to write instead."""
    key = ".".join(filter(None, [above, *map(str, error.absolute_path)]))
    remedy = error.schema.get("description", "see docs/config.md")
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in allowed]
        return unknown_keys(key, unknown, allowed)
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"missing key{f' in {key}' if key else ''}: {', '.join(missing)}; add it"
    if error.validator == "dependentRequired":
        pairs = [
            f"{needed} ({name} needs it)"
            for name, group in error.validator_value.items()
            for needed in group
            if name in error.instance and needed not in error.instance
        ]
        return f"missing key in {key}: {', '.join(pairs)}; add it"
    if error.validator == "propertyNames" or "propertyNames" in error.absolute_schema_path:
        return f"{key}: the name {error.instance!r} does not fit; write {remedy}"
    if error.validator == "type":
        return _wrong_type(key, error.instance, error.validator_value, remedy)
    return f"{key}: {error.instance!r} does not fit; write {remedy}"


def _explained(errors: Iterable[ValidationError], above: str) -> list[str]:
    """A line for each error, by key. A value of a wrong type breaks other rules, too: one line."""
    found = sorted(errors, key=lambda each: list(map(str, each.path)))
    mistyped = [list(each.absolute_path) for each in found if each.validator == "type"]
    kept = (
        each
        for each in found
        if each.validator == "type" or list(each.absolute_path) not in mistyped
    )
    return list(dict.fromkeys(_explain(each, above) for each in kept))


def unfit_section(cls: type, section: object, key: str = "") -> list[str]:
    """A line for each fault of a section that gives the fields of a dataclass.

    Args:
        key: where the section stands in the config; nothing for the whole of it.
    """
    if names := list(_unreadable_names(section, key)):
        return names  # the rest cannot be told before the names are right
    return _explained(_Validator(schema_of(cls)).iter_errors(section), key)
