"""The list of tensors in the header of a `.pvlad` file, for readers and writers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.format import version2
from pocketvlad.format.error import FormatError, naming
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.util.shown import shown

VERSION = 3
FLOATS = {"float16": np.dtype("<f2"), "float32": np.dtype("<f4")}
_CODINGS = {"symbols", "multiples", *FLOATS}
_MAX_LAYERS = 1 << 12
_MAX_DIMENSIONS = 8
_MAX_BYTES = 1 << 40  # of a layer
_MAX_SUM = 0xFFFFFFFF  # that a CRC-32 may be


@dataclass(frozen=True)
class Layer:
    """A tensor as the header lists it. coding: "symbols", "float16", "float32" or "multiples"."""

    name: str
    label: Label
    shape: tuple[int, ...]
    coding: str
    bytes: int
    crc32: int

    @property
    def weights(self) -> int:
        return math.prod(self.shape)

    def as_list(self) -> list[object]:
        """As a header has it."""
        about = [self.name, self.label.part, self.label.role, list(self.shape)]
        return [*about, self.coding, self.bytes, self.crc32]


def require_count(layers: int) -> None:
    """Raises FormatError where a file may not have so many layers."""
    if not 1 <= layers <= _MAX_LAYERS:
        raise FormatError(f"{layers} layers; 1 to {_MAX_LAYERS} are allowed")


def require_shape(shape: Sequence[int]) -> None:
    """Raises FormatError where a layer may not have this shape."""
    if len(shape) > _MAX_DIMENSIONS:
        raise FormatError(f"{len(shape)} dimensions; at most {_MAX_DIMENSIONS} are allowed")
    for side in shape:
        if not 1 <= side <= _MAX_BYTES:
            raise FormatError(f"a dimension of {side}; 1 to {_MAX_BYTES} are allowed")


def require_bytes(size: int) -> None:
    """Raises FormatError where the payload of a layer may not have so many bytes."""
    if not 0 <= size <= _MAX_BYTES:
        raise FormatError(f"a payload of {size} bytes; 0 to {_MAX_BYTES} are allowed")


def require_text(name: str) -> None:
    """Raises FormatError where UTF-8 cannot hold a layer's name. JSON can write half of a surrogate
    pair, which is no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise FormatError("its name is no text that UTF-8 can hold") from None


def layer_of(entry: object, version: int) -> Layer:
    """One entry of the header's list, checked.

    Raises:
        FormatError: it is malformed, or beyond what a file may hold.
    """
    if isinstance(entry, list) and (identity := _identity(entry, version)):
        match entry[-4:]:
            case [list(shape), str(coding), size, crc] if coding in _CODINGS:
                if all(map(_is_whole, [*shape, size, crc])) and 0 <= crc <= _MAX_SUM:
                    with naming(f"layer {shown(identity[0][:80])}"):
                        require_text(identity[0])
                        require_shape(shape)
                        require_bytes(size)
                    return Layer(*identity, tuple(shape), coding, size, crc)
    raise FormatError(f"a layer of the header is malformed: {str(entry)[:80]}")


def _identity(entry: Sequence[object], version: int) -> tuple[str, Label] | None:
    """(name, label) that an entry of the header's list begins with, before the last four fields."""
    match entry[:-4]:
        case [str(name)] if version == version2.VERSION:
            return version2.identity(name)
        case [str(name), str(part), str(role)] if version == VERSION:
            if part in set(Part) and role in set(Role):
                return name, Label(Part(part), Role(role))
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
