"""Descriptors by anybody, as `pocketvlad describe` writes them: an .npz of names and rows."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pocketvlad.data.image_names import bare_name
from pocketvlad.retrieval.ranking import check_finite
from pocketvlad.util.atomic import replacing


class DescriptorError(ValueError):
    """A file of descriptors is not one, or does not fit; the message names file and fault."""


@dataclass(frozen=True)
class Descriptors:
    """`rows` [N, D] float32, the descriptor of each of `names`.

    label: what messages call them, the file that they are from.  provenance: what they were made
    with, where that is known; see `provenance`.
    """

    label: str
    names: list[str]
    rows: np.ndarray
    provenance: str | None

    def of(self, wanted: list[str]) -> np.ndarray:
        """[len(wanted), D] Rows in the order of `wanted`.

        Raises:
            DescriptorError: a name is missing; says how many are and the first.
        """
        if wanted == self.names:
            return self.rows
        places = {name: place for place, name in enumerate(self.names)}
        missing = [name for name in wanted if name not in places]
        if missing:
            raise DescriptorError(
                f"{self.label}: {len(missing)} descriptors are missing, that of {missing[0]!r} for "
                "one; describe every image, or score a part of the data set with --partial"
            )
        return self.rows[[places[name] for name in wanted]]


_REMEDY = "it must hold `names` [N] and `descriptors` [N, D], as numpy.savez writes them"


def read_descriptors(path: Path) -> Descriptors:
    """Read `names` (folders and the suffixes of images are cut off) and `descriptors`.

    Raises:
        DescriptorError: see `checked_descriptors`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            names, rows = file["names"], file["descriptors"]
            made = str(file["provenance"]) if "provenance" in file else None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, TypeError, AttributeError) as error:
        raise DescriptorError(f"{path}: {error}; {_REMEDY}") from None
    return checked_descriptors(str(path), names, rows, made)


def checked_descriptors(
    label: str, names: np.ndarray, rows: np.ndarray, made: str | None = None
) -> Descriptors:
    """Descriptors `rows` [N, D] of `names` [N].

    Args:
        label: what messages call them.
        made: what they were made with, see `provenance`.

    Raises:
        DescriptorError: missing or doubled names, wrong shapes, numbers that are none.
    """
    if names.ndim != 1 or names.dtype.kind != "U":
        raise DescriptorError(
            f"{label}: `names` is {names.dtype} {names.shape}, not text; {_REMEDY}"
        )
    if rows.ndim != 2 or rows.dtype.kind != "f" or not rows.shape[1]:
        raise DescriptorError(f"{label}: `descriptors` is {rows.dtype} {rows.shape}; {_REMEDY}")
    if len(names) != len(rows):
        raise DescriptorError(f"{label}: {len(names)} names for {len(rows)} descriptors")
    short = [bare_name(name) for name in names.tolist()]
    if len(set(short)) != len(short):
        doubled = next(name for name in short if short.count(name) > 1)
        raise DescriptorError(f"{label}: {doubled!r} is there more than once; leave one of each")
    try:
        check_finite(rows, "the")
    except ValueError as error:
        raise DescriptorError(f"{label}: {error}") from None
    return Descriptors(label, short, rows.astype(np.float32, copy=False), made)


def write_descriptors(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    """Write what `read_descriptors` reads; whole or not at all.

    Args:
        made: what they were made with, see `provenance`.
    """
    with replacing(path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, names=np.array(names), descriptors=rows, provenance=made)


def require_comparable(one: Descriptors, other: Descriptors) -> None:
    """Raises DescriptorError where two files cannot belong together; names both."""
    if one.rows.shape[1] != other.rows.shape[1]:
        raise DescriptorError(
            f"{other.label} has {other.rows.shape[1]} numbers a row, {one.label} has "
            f"{one.rows.shape[1]}: they are of two networks"
        )
    if one.provenance and other.provenance and one.provenance != other.provenance:
        raise DescriptorError(
            f"{other.label} was made with {other.provenance}, {one.label} with {one.provenance}: "
            "describe both with one model, preprocessing and image size"
        )


def unit_length(descriptors: Descriptors) -> Descriptors:
    """The same with rows of unit length, for cosines.

    Raises:
        DescriptorError: a row is zero and has no direction.
    """
    norms = np.linalg.norm(descriptors.rows, axis=1, keepdims=True)
    if not norms.all():
        name = descriptors.names[int(np.flatnonzero(norms == 0)[0])]
        raise DescriptorError(
            f"{descriptors.label}: the descriptor of {name!r} is zero; use --metric l2"
        )
    return replace(descriptors, rows=descriptors.rows / norms)
