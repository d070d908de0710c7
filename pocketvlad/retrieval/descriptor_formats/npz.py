"""Ours: an .npz of `names`, `descriptors` and, where it is known, `provenance`."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pocketvlad.retrieval.descriptor_formats import Content, ContentError, text_names
from pocketvlad.util.texts import listed_texts

SUFFIXES = (".npz",)
NEEDS = None
HAS_NAMES = True
REMEDY = "it must hold `names` [N] and `descriptors` [N, D], as numpy.savez writes them"


_LEAST = 1 << 27  # bytes that any file may unpack to
_MOST_TIMES = 64  # its own size: names get much smaller when they are packed, descriptors do not


def read(path: Path) -> Content:
    """Raises whatever numpy stumbles on."""
    _require_bounded(path)
    with np.load(path, allow_pickle=False) as file:
        made = _array(file, "provenance") if "provenance" in file else np.array(None)
        text = listed_texts(made)[0] if made.dtype.kind == "U" and made.size == 1 else None
        return Content(_array(file, "names"), _array(file, "descriptors"), text)


def _array(file: Mapping, name: str) -> np.ndarray:
    """Of other members numpy gives the bytes."""
    if not isinstance(found := file[name], np.ndarray):
        raise ContentError(f"`{name}` is no array")
    return found


def _require_bounded(path: Path) -> None:
    """Raises ContentError where a file unpacks to many times its size."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    most = max(_LEAST, _MOST_TIMES * path.stat().st_size)
    if unpacked > most:
        raise ContentError(f"it unpacks to {unpacked:,} bytes; at most {most:,} are allowed")


def called(name: str) -> str:
    """It takes any name as it is."""
    return name


def write(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    with open(path, "wb") as file:
        np.savez(file, names=text_names(names), descriptors=rows, provenance=made)
