"""Settings that are declared once, in the dataclass that uses them.

A field is made by `setting`: it says what the figure means, its default and its bounds. The check
of a config, the manual and the command line read all three from there.

    @dataclass(frozen=True)
    class Blur:
        radius: float = setting("of the Gaussian", unit="pixels", above=0)
        passes: int = setting("how often it is applied", 1, minimum=1)

A field may be an int, a float, a bool, a text, another such dataclass, a tuple of these or a dict
from texts to these. A field that may be None may be left out.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

_DECLARED = "declared"  # the key of a field's metadata
_TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}
_NOUNS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    object: "a value",
}

LARGEST = 1 << 63
"""Whole numbers are below it: larger ones become neither a float nor an array's number."""


@dataclass(frozen=True)
class Value:
    """What may be written, as a field of its own, in a list or as a name.

    meaning: a phrase without a full stop.  unit: in the plural.  minimum, maximum: bounds that are
    allowed themselves.  above, below: bounds that are not.  choices: the only texts.  pattern: a
    regular expression that a text fits.  form: the same in words.  shortest, longest: how many
    entries a list or a mapping has, or how many characters a text.  distinct: no entry of a list
    comes twice.  items: what a list or a mapping holds.  keys: what a mapping's names are.
    """

    meaning: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    shortest: int | None = None
    longest: int | None = None
    distinct: bool = False
    items: "Value | None" = None
    keys: "Value | None" = None

    @property
    def bounds(self) -> str:
        """In words: "from 1 to 8", "above 0"; empty where there are none."""
        if self.minimum is not None and self.maximum is not None:
            return f"from {_figure(self.minimum)} to {_figure(self.maximum)}"
        words = [
            self.minimum is not None and f"{_figure(self.minimum)} or more",
            self.above is not None and f"above {_figure(self.above)}",
            self.maximum is not None and f"at most {_figure(self.maximum)}",
            self.below is not None and f"below {_figure(self.below)}",
        ]
        return " and ".join(filter(None, words))


def setting(meaning: str, default: Any = MISSING, **rules: Any) -> Any:
    """A field of a dataclass.

    Args:
        meaning: a phrase without a full stop; bounds, unit and default are added to it.
        default: none, and the field must be given.
        rules: the other fields of `Value`.
    """
    metadata = {_DECLARED: Value(meaning, **rules)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Declared:
    """A field as it is declared; its type is without `None`."""

    name: str
    kind: Any
    value: Value
    default: Any  # MISSING: the field must be given

    @property
    def section(self) -> Any:
        """The dataclass that the field is, or holds in a list or by names; None for plain ones."""
        inner = _items_of(self.kind) or self.kind
        return inner if is_dataclass(inner) else None

    @property
    def item(self) -> Any:
        """The type of the entries of a list; None for all else."""
        return _items_of(self.kind) if typing.get_origin(self.kind) is tuple else None

    @property
    def required(self) -> bool:
        return self.default is MISSING

    @property
    def words(self) -> str:
        """The type, its unit and its bounds: "a whole number of pixels, 1 or more"."""
        return _words(self.kind, self.value)

    def fits(self, value: object) -> bool:
        """Whether a number, a text or a tuple of these is of this kind and within the bounds."""
        if typing.get_origin(self.kind) is tuple:
            return isinstance(value, tuple) and self._fits_entries(value)
        if type(value) is int and abs(value) >= LARGEST:
            return False
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind or (self.kind is float and not math.isfinite(value)):
            return False
        rules = self.value
        return (
            (rules.minimum is None or value >= rules.minimum)
            and (rules.maximum is None or value <= rules.maximum)
            and (rules.above is None or value > rules.above)
            and (rules.below is None or value < rules.below)
            and (not rules.choices or value in rules.choices)
        )

    def _fits_entries(self, value: tuple[object, ...]) -> bool:
        rules, inner = self.value, _items_of(self.kind)
        entry = Declared(self.name, inner, rules.items or Value(), MISSING)
        return (
            len(value) >= (rules.shortest or 0)
            and (rules.longest is None or len(value) <= rules.longest)
            and all(map(entry.fits, value))
            and (not rules.distinct or len(set(value)) == len(value))
        )

    @property
    def default_text(self) -> str:
        """As a config writes it; empty where there is none to write."""
        return "" if self.default is MISSING or self.default is None else written(self.default)


def declared(cls: type) -> Iterator[Declared]:
    """The fields of a dataclass that are made by `setting`, in their order."""
    hints = typing.get_type_hints(cls)
    for field in fields(cls):
        if _DECLARED in field.metadata:
            default = field.default
            if field.default_factory is not MISSING:
                default = field.default_factory()
            kind = _without_none(hints[field.name])
            yield Declared(field.name, kind, field.metadata[_DECLARED], default)


def default_of(cls: type, name: str) -> Any:
    """The default of a field.

    Raises:
        ValueError: it has none.
    """
    found = declared_field(cls, name)
    if found.required:
        raise ValueError(f"{cls.__name__}.{name} has no default")
    return found.default


def declared_field(cls: type, name: str) -> Declared:
    """One field. Raises ValueError where the dataclass declares none of this name."""
    for each in declared(cls):
        if each.name == name:
            return each
    raise ValueError(f"{cls.__name__} declares no field {name!r}")


def schema_of(cls: type, value: Value | None = None) -> dict[str, Any]:
    """The JSON Schema of a section that gives the fields of a dataclass.

    A description is what an error message tells to write: type, unit, bounds, default and meaning.
    What the dataclass has in `RULES`, a mapping, is added: for what no single field can say.

    Args:
        value: of the section as a whole.
    """
    all_fields = list(declared(cls))
    schema: dict[str, Any] = {
        "description": _joined("a section", value.meaning if value else ""),
        "type": "object",
        "additionalProperties": False,
        "properties": {each.name: _field_schema(each) for each in all_fields},
        "required": [each.name for each in all_fields if each.required],
    }
    return schema | dict(getattr(cls, "RULES", {}))


def read_settings(cls: type, section: Mapping[str, Any]) -> Any:
    """An instance of a dataclass from a section that was checked; lists become tuples."""
    kinds = {each.name: each.kind for each in declared(cls)}
    return cls(**{name: _read(kinds[name], given) for name, given in section.items()})


def completed(cls: type, section: Mapping[str, Any]) -> dict[str, Any]:
    """A section that was checked, with the defaults of what it leaves out, as plain values.

    Fields whose default is None stay left out.
    """
    result: dict[str, Any] = {}
    for each in declared(cls):
        if each.name in section:
            result[each.name] = _complete(each.kind, section[each.name])
        elif not each.required and each.default is not None:
            result[each.name] = _plain(each.default)
    return result


def written(value: Any) -> str:
    """A value as a config writes it."""
    plain = _plain(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, list):
        return "[" + ", ".join(map(written, plain)) + "]"
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{k}: {written(v)}" for k, v in plain.items()) + "}"
    if isinstance(plain, str) and (not plain or plain[0] in "0123456789.-"):
        return f'"{plain}"'
    return str(plain)


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.Union[tuple(a for a in typing.get_args(kind) if a is not type(None))]  # noqa: UP007
    return kind


def _kinds(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the one type."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return typing.get_args(kind)
    return (kind,)


def _items_of(kind: Any) -> Any:
    """The type of what a list or a mapping holds; None for all else."""
    origin = typing.get_origin(kind)
    if origin is tuple:
        return typing.get_args(kind)[0]
    return typing.get_args(kind)[1] if origin is dict else None


def _figure(bound: float) -> str:
    """All digits of a whole number."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _words(kind: Any, value: Value) -> str:
    if value.form:
        return value.form
    if value.choices:
        *others, last = value.choices
        return f"{', '.join(others)} or {last}" if others else last
    noun = " or ".join(_noun(each, value) for each in _kinds(kind))
    unit = f" of {value.unit}" if value.unit else ""
    return f"{noun}{unit}, {value.bounds}" if value.bounds else f"{noun}{unit}"


def _noun(kind: Any, value: Value) -> str:
    if is_dataclass(kind):
        return "a section"
    if typing.get_origin(kind) is dict:
        inner = _items_of(kind)
        if is_dataclass(inner) or inner is object:
            return "a section"
        names, values = _words(str, value.keys or Value()), _words(inner, value.items or Value())
        return f"names with values, each name {names}, each value {values}"
    if typing.get_origin(kind) is tuple:
        return f"a list, each entry {_words(_items_of(kind), value.items or Value())}"
    return _NOUNS[kind]


def _joined(words: str, meaning: str, default: str = "") -> str:
    unless = f"; {default} unless told" if default else ""
    return f"{words}{unless}: {meaning}" if meaning else f"{words}{unless}"


def _field_schema(each: Declared) -> dict[str, Any]:
    schema = _schema(each.kind, each.value)
    default = "" if each.section else each.default_text
    return schema | {"description": _joined(each.words, each.value.meaning, default)}


def _schema(kind: Any, value: Value) -> dict[str, Any]:
    if is_dataclass(kind):
        return schema_of(kind, value)
    schema: dict[str, Any] = {"description": _joined(_words(kind, value), value.meaning)}
    if kind is object:
        return schema
    names = []
    for each in _kinds(kind):
        origin = typing.get_origin(each)
        if origin is tuple:
            names.append("array")
            schema["items"] = _schema(_items_of(each), value.items or Value())
        elif origin is dict:
            names.append("object")
            schema["additionalProperties"] = _schema(_items_of(each), value.items or Value())
            if value.keys:
                schema["propertyNames"] = _schema(str, value.keys)
        else:
            names.append(_TYPES[each])
    schema["type"] = names if len(names) > 1 else names[0]
    rules = {
        "minimum": value.minimum,
        "maximum": value.maximum,
        "exclusiveMinimum": value.above,
        "exclusiveMaximum": value.below,
        "enum": list(value.choices) or None,
        "pattern": value.pattern or None,
        "uniqueItems": value.distinct or None,
    }
    for name in names:
        least, most = {
            "array": ("minItems", "maxItems"),
            "object": ("minProperties", "maxProperties"),
        }.get(name, ("minLength", "maxLength"))
        rules |= {least: value.shortest, most: value.longest}
    return schema | {name: rule for name, rule in rules.items() if rule is not None}


def _read(kind: Any, given: Any) -> Any:
    if is_dataclass(kind):
        return read_settings(kind, given)
    if isinstance(given, list):
        return tuple(_read(_items_of(_tuple_of(kind)), each) for each in given)
    if typing.get_origin(kind) is dict:
        return {name: _read(_items_of(kind), each) for name, each in given.items()}
    return float(given) if kind is float else given


def _tuple_of(kind: Any) -> Any:
    return next((each for each in _kinds(kind) if typing.get_origin(each) is tuple), None)


def _complete(kind: Any, given: Any) -> Any:
    if is_dataclass(kind):
        return completed(kind, given)
    items = _items_of(kind)
    if isinstance(given, list) and is_dataclass(items):
        return [completed(items, each) for each in given]
    if isinstance(given, Mapping) and is_dataclass(items):
        return {name: completed(items, each) for name, each in given.items()}
    return given


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            each.name: _plain(getattr(value, each.name))
            for each in declared(type(value))
            if getattr(value, each.name) is not None
        }
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value
