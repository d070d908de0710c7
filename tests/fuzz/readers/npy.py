"""Descriptors without names, rows as the images of a folder are listed."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pocketvlad.retrieval.descriptor_file import DescriptorError, unit_length
from pocketvlad.retrieval.listed_descriptors import of_folder

SUFFIX = ".npy"
ERRORS = DescriptorError


def read(path: Path) -> None:
    folder = path.parent / "two"
    folder.mkdir(exist_ok=True)
    for name in ("a.jpg", "b.jpg"):
        (folder / name).touch()
    unit_length(of_folder(path, "", folder, "--folder"))


def seeds() -> Iterator[bytes]:
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    for array in (rows, rows.astype(">f2"), np.asfortranarray(rows.astype(float))):
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield buffer.getvalue()
