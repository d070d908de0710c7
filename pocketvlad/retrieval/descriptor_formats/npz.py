"""Ours: an .npz of `names`, `descriptors` and, where it is known, `provenance`."""

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0

from pocketvlad.retrieval.descriptor_formats import Content, ContentError, text_names
from pocketvlad.util.texts import listed_texts

SUFFIXES = (".npz",)
NEEDS = None
HAS_NAMES = True
REMEDY = "it must hold `names` [N] and `descriptors` [N, D], as numpy.savez writes them"


_HEADERS = {b"\1\0": read_array_header_1_0, b"\2\0": read_array_header_2_0}
_LEAST = 1 << 27  # bytes that any file may unpack to
_MOST_TIMES = 64  # its own size: names get much smaller when they are packed, descriptors do not


def read(path: Path) -> Content:
    """Raises whatever numpy stumbles on."""
    with zipfile.ZipFile(path) as archive:
        _require_bounded(archive, path.stat().st_size)
    with np.load(path, allow_pickle=False) as file:
        made = _array(file, "provenance") if "provenance" in file else np.array(None)
        text = listed_texts(made)[0] if made.dtype.kind == "U" and made.size == 1 else None
        return Content(_array(file, "names"), _array(file, "descriptors"), text)


def _array(file: Mapping, name: str) -> np.ndarray:
    """Of other members numpy gives the bytes."""
    if not isinstance(found := file[name], np.ndarray):
        raise ContentError(f"`{name}` is no array")
    return found


def _require_bounded(archive: zipfile.ZipFile, size: int) -> None:
    """Raises ContentError where a file of so many bytes unpacks to many times its size, or an array
    claims more than its member has: numpy asks for memory before it reads."""
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    most = max(_LEAST, _MOST_TIMES * size)
    if unpacked > most:
        raise ContentError(f"it unpacks to {unpacked:,} bytes; at most {most:,} are allowed")
    for member in members:
        with archive.open(member) as file:
            if (claimed := _claimed(file)) > member.file_size:
                raise ContentError(
                    f"`{member.filename}` claims {claimed:,} bytes and has {member.file_size:,}"
                )


def _claimed(file: BinaryIO) -> int:
    """Bytes of the array that a member's header describes; 0 where it is no array."""
    if file.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
        return 0
    version = file.read(2)
    if version not in _HEADERS:
        raise ContentError(f"an array has a header of version {[*version]}, as plain ones have not")
    shape, _, dtype = _HEADERS[version](file)
    return math.prod(shape) * dtype.itemsize


def called(name: str) -> str:
    """It takes any name as it is."""
    return name


def write(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    with open(path, "wb") as file:
        np.savez(file, names=text_names(names), descriptors=rows, provenance=made)
