"""Descriptors with names, as numpy saves them."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from fuzz.mutations import Change
from pocketvlad.retrieval.descriptor_file import (
    DescriptorError,
    read_descriptors,
    require_comparable,
    unit_length,
)

SUFFIX = ".npz"
ERRORS = DescriptorError


def read(path: Path) -> None:
    found = unit_length(read_descriptors(path))
    require_comparable(found, found)


def changed(data: bytes, random: Random, change: Change) -> bytes:
    """One member of the archive is changed, and packed with its checksum."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    number = random.randrange(len(members))
    if random.random() < 0.05:
        return change(data)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each, (info, content) in enumerate(members):
            archive.writestr(info, change(content) if each == number else content)
    return buffer.getvalue()


def seeds() -> Iterator[bytes]:
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    for save, arrays in (
        (np.savez, {"descriptors": rows, "provenance": '{"a": 1}'}),
        (np.savez_compressed, {"descriptors": rows.astype(">f8")}),
    ):
        buffer = io.BytesIO()
        save(buffer, names=["a", "in/b.jpg"], **arrays)
        yield buffer.getvalue()
