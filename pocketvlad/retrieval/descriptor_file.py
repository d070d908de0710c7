"""Descriptors by anybody, as `pocketvlad describe` writes them: an .npz of names and rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pocketvlad.data.image_names import BareNames, NameClashError, bare_name
from pocketvlad.retrieval.coinciding import require_finite
from pocketvlad.util.atomic import replacing
from pocketvlad.util.foreign import foreign
from pocketvlad.util.shown import shown


class DescriptorError(ValueError):
    """A file of descriptors is not one, or does not fit; the message names file and fault."""


@dataclass(frozen=True)
class Descriptors:
    """`rows` [N, D] float32, the descriptor of each of `names`.

    label: what messages call them, the file that they are from.  names: bare ones.  texts: what
    they were cut from.  provenance: what they were made with, where that is known; see
    `provenance`.
    """

    label: str
    names: list[str]
    texts: list[str]
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


_SAME = 1e-6  # of the largest number of a descriptor
_REMEDY = "it must hold `names` [N] and `descriptors` [N, D], as numpy.savez writes them"


def read_descriptors(path: Path) -> Descriptors:
    """Read `names` (folders and the suffixes of images are cut off) and `descriptors`.

    Raises:
        DescriptorError: see `checked_descriptors`.
    """
    if not path.is_file():
        raise DescriptorError(f"{path} is {'no ordinary file' if path.exists() else 'missing'}")
    with foreign(DescriptorError, str(path), _REMEDY), np.load(path, allow_pickle=False) as file:
        names, rows = file["names"], file["descriptors"]
        made = str(file["provenance"]) if "provenance" in file else None
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
    texts = names.tolist()
    first: dict[str, str] = {}
    for name, text in zip(short := list(map(bare_name, texts)), texts, strict=True):
        if name in first:
            raise DescriptorError(
                f"{label}: {name!r} is there more than once, as {shown(first[name])} and as "
                f"{shown(text)}; images are known without folder and suffix: leave one of each"
            )
        first[name] = text
    with np.errstate(over="ignore"):  # told below, by name
        rows = rows.astype(np.float32, copy=False)
    try:
        require_finite(rows, list(map(shown, texts)))
    except ValueError as error:
        raise DescriptorError(f"{label}: {error}") from None
    return Descriptors(label, short, texts, rows, made)


def require_distinct_rows(descriptors: Descriptors) -> None:
    """Raises DescriptorError where all descriptors of a database coincide: their ranking is that
    of their names."""
    rows = descriptors.rows
    if len(rows) < 2:
        return
    least = _SAME * max(float(np.abs(rows[0]).max()), np.finfo(np.float32).tiny)
    if all((np.abs(row - rows[0]) <= least).all() for row in rows[1:]):
        raise DescriptorError(
            f"{descriptors.label}: all {len(rows)} descriptors coincide; nothing can be ranked by "
            "them"
        )


def require_same_images(database: Descriptors, queries: Descriptors) -> None:
    """Raises DescriptorError where images of two files have one name and lie in two folders."""
    texts = dict(zip(queries.names, queries.texts, strict=True))
    for name, text in zip(database.names, database.texts, strict=True):
        if name in texts:
            try:
                names = BareNames()
                names.of(text)
                names.of(texts[name])
            except NameClashError as error:
                raise DescriptorError(f"{database.label}, {queries.label}: {error}") from None


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
    with np.errstate(over="ignore"):  # told below, by name
        norms = np.linalg.norm(descriptors.rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        name = descriptors.names[int(np.flatnonzero(~np.isfinite(norms))[0])]
        raise DescriptorError(
            f"{descriptors.label}: the numbers of {name!r} are too large for a length; scale them"
        )
    if not norms.all():
        name = descriptors.names[int(np.flatnonzero(norms == 0)[0])]
        raise DescriptorError(
            f"{descriptors.label}: the descriptor of {name!r} is zero; use --metric l2"
        )
    return replace(descriptors, rows=descriptors.rows / norms)
