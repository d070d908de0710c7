"""Pickles of plain values and arrays of numbers or texts, of which nothing is executed.

A pickle is a program: it names functions, calls them and sets what objects hold. Here the few names
that numpy's arrays need stand for functions of our own, which make nothing but arrays of plain
numbers. Numpy's own would do more: a state of a dtype that is made up lets numbers stand for
pointers.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pocketvlad.util.texts import listed_texts

MAX_BYTES = 1 << 24
"""Of a file. The official ones have below 2^20."""

_PLAIN = re.compile(r"[<>=|]?([biuf][1248]|U[0-9]{1,4}|O[48]?|[?])")
_ORDERS = ("<", ">", "=", "|")


class PlainPickleError(ValueError):
    """A pickle holds something else than plain values and arrays."""


class _Call:
    """A function that a pickle may call, and not change."""

    def __init__(self, function: Callable) -> None:
        self._function = function

    def __call__(self, *values: object) -> object:
        return self._function(*values)

    def __setstate__(self, state: object) -> None:
        raise PlainPickleError("it would change a function")


class _Dtype:
    """In place of numpy's: a type of plain numbers, of texts or of objects."""

    def __init__(self, text: str, *_: object) -> None:
        if not isinstance(text, str) or not _PLAIN.fullmatch(text):
            raise PlainPickleError(f"an array of {str(text)[:40]!r}, which are no plain numbers")
        self.type = np.dtype(text)

    def __setstate__(self, state: tuple) -> None:
        """The order of bytes; no fields, no parts."""
        _, order, *parts = state[:5]
        if order not in _ORDERS or any(part is not None for part in parts):
            raise PlainPickleError("an array of records, which are no plain numbers")
        self.type = self.type.newbyteorder(order)


def _bytes(content: bytes | str) -> bytes:
    """The numbers of an array. Python 2 had no bytes: what it wrote is read as a text."""
    return content.encode("latin-1") if isinstance(content, str) else content


class PickledArray:
    """In place of numpy's array.

    values: an array of numbers or texts; a list of whatever an array of objects held.
    """

    def __init__(self, *_: object) -> None:
        self.values: np.ndarray | list = []

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _Dtype) or not all(type(side) is int for side in shape):
            raise PlainPickleError("an array's type or shape is none")
        if dtype.type.kind == "O":
            if not isinstance(content, list) or len(content) != math.prod(shape):
                raise PlainPickleError("an array of objects has another number of them")
            self.values = content
        else:
            found = _bytes(content)
            flat = np.frombuffer(found, dtype.type) if found else np.empty(0, dtype.type)
            self.values = flat.reshape(shape, order="F" if fortran else "C")


def _scalar(dtype: object, content: bytes | str) -> object:
    if not isinstance(dtype, _Dtype) or dtype.type.kind == "O":
        raise PlainPickleError("a number's type is none")
    values = np.frombuffer(_bytes(content), dtype.type, 1)
    return listed_texts(values)[0] if dtype.type.kind == "U" else values[0].item()


def _encoded(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise PlainPickleError(f"bytes in {str(encoding)[:40]!r}")
    return text.encode("latin-1")


_NAMES: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Call(_encoded),
    # An empty array's data, in a pickle that Python 2 can read.
    ("__builtin__", "bytes"): _Call(lambda: b""),
    ("builtins", "bytes"): _Call(lambda: b""),
}
for _core in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _NAMES[_core, "_reconstruct"] = _Call(PickledArray)
    _NAMES[_core, "scalar"] = _Call(_scalar)
"""All that arrays need."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _NAMES:
            raise PlainPickleError(f"it asks for {module}.{name}, which data does not need")
        return _NAMES[module, name]


_FRAME_BYTES = 9  # a code and a length


def _honest(content: bytes) -> bytes:
    """A pickle without its frames. They only say how much to read at a time, but frames in frames
    let Python's parser skip what is checked here, and run what is not.

    Raises:
        PlainPickleError: memory would be taken for what is not there: a place in the pickle's memo
            beyond any that it can have filled.
        ValueError: it is cut off, or claims more bytes than are left.
    """
    kept, begin = bytearray(), 0
    for opcode, argument, place in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > len(content):
            raise PlainPickleError(f"it claims {argument} values")
        if opcode.name == "FRAME":
            kept += content[begin:place]
            begin = place + _FRAME_BYTES
    return bytes(kept + content[begin:])


def read_plain_pickle(path: Path) -> object:
    """What a pickle holds; arrays are `PickledArray`, their numbers Python's.

    Raises:
        PlainPickleError: it asks for more, and perhaps for code; or it is too large.
        Exception: whatever a damaged one makes `pickle` stumble on.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise PlainPickleError(f"{size:,} bytes; at most {MAX_BYTES:,} are allowed")
    content = _honest(path.read_bytes())
    return _Unpickler(io.BytesIO(content), encoding="latin1").load()
