"""Descriptors in HDF5, as hloc has them."""

import io
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from pocketvlad.retrieval import hdf5_survival
from pocketvlad.retrieval.descriptor_file import DescriptorError, unit_length
from pocketvlad.retrieval.listed_descriptors import of_folder

SUFFIX = ".h5"
ERRORS = DescriptorError


def read(path: Path) -> None:
    """In this process, which is faster: what crashes here, or does not end, does so elsewhere in
    `hdf5_survival`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5_survival, "require_survived", lambda path: None)
        _read(path)


def _read(path: Path) -> None:
    unit_length(of_folder(path, "", None, "--folder"))


def seeds() -> Iterator[bytes]:
    rows = np.arange(1, 7, dtype=np.float16).reshape(2, 3)
    for options in ({}, {"libver": "latest"}):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w", **options) as file:
            file["a/global_descriptor"] = rows[0]
            if options:
                file["in/b.jpg/global_descriptor"] = rows[1]
                file.attrs["provenance"] = "{}"
        yield buffer.getvalue()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        options = {"data": rows[0], "chunks": (2,), "compression": "gzip", "shuffle": True}
        file.create_dataset("a.jpg/global_descriptor", **options)
    yield buffer.getvalue()
