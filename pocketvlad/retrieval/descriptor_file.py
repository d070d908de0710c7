"""Descriptors by anybody: rows with names of images, in one of the formats of files."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from pocketvlad.data.image_names import BareNames, NameClashError, bare_name
from pocketvlad.retrieval.coinciding import require_finite
from pocketvlad.retrieval.descriptor_formats import (
    Content,
    ContentError,
    formats,
    npz,
    require_package,
)
from pocketvlad.retrieval.provenance_difference import text_difference
from pocketvlad.util.atomic import replacing
from pocketvlad.util.counted import counted
from pocketvlad.util.foreign import foreign
from pocketvlad.util.shown import shown
from pocketvlad.util.texts import listed_texts


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
                f"{self.label} lacks {counted(len(missing), 'descriptor')}, that of {missing[0]!r} "
                "for one; describe every image, or score a part of the data set with --partial"
            )
        return self.rows[[places[name] for name in wanted]]


_ROWS = "give an array [N, D] of floating-point numbers, a row an image"
_SAME = 1e-6  # of the largest number of a descriptor


def _format_of(path: Path) -> ModuleType:
    """Ours where no format has the suffix."""
    return formats().get(path.suffix.lower(), npz)


def read_content(path: Path) -> Content:
    """What a file holds, by the format that its suffix says; not checked yet.

    Raises:
        DescriptorError: it is missing or damaged; names it, and what it must hold.
        ImportError: its format needs a package that is not installed.
    """
    if not path.is_file():
        raise DescriptorError(f"{path} is {'no ordinary file' if path.exists() else 'missing'}")
    require_package(path)
    form = _format_of(path)
    with foreign(DescriptorError, str(path), form.REMEDY):
        return form.read(path)


def read_descriptors(path: Path, known: Container[str] = ()) -> Descriptors:
    """Read names (folders and the suffixes of images are cut off) and rows.

    Args:
        known: see `checked_descriptors`.

    Raises:
        DescriptorError: see `read_content` and `checked_descriptors`; or the format has no names.
    """
    names, rows, made = read_content(path)
    if names is None:
        raise DescriptorError(
            f"{path}: a {path.suffix} file has no names of images; give an .npz, or score by "
            "positions, where its rows follow the images of a folder"
        )
    return checked_descriptors(str(path), names, rows, made, known)


def checked_rows(label: str, rows: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """[N, D] float32 of the descriptors of N images.

    Args:
        label: what messages call them.
        texts: the images' names.

    Raises:
        DescriptorError: wrong shapes, numbers that are none.
    """
    if rows.ndim != 2 or rows.dtype.kind != "f" or not rows.shape[1]:
        raise DescriptorError(f"{label}: `descriptors` is {rows.dtype} {rows.shape}; {_ROWS}")
    if len(texts) != len(rows):
        raise DescriptorError(
            f"{label}: {counted(len(texts), 'name')} for {counted(len(rows), 'descriptor')}"
        )
    with np.errstate(over="ignore"):  # told below, by name
        rows = rows.astype(np.float32, copy=False)
    try:
        require_finite(rows, list(map(shown, texts)))
    except ValueError as error:
        raise DescriptorError(f"{label}: {error}") from None
    return rows


def checked_names(label: str, names: np.ndarray) -> list[str]:
    """Raises DescriptorError where `names` is no list of texts."""
    if names.ndim != 1 or names.dtype.kind != "U":
        raise DescriptorError(
            f"{label}: `names` is {names.dtype} {names.shape}, not text; {npz.REMEDY}"
        )
    try:
        return listed_texts(names)
    except ValueError as error:
        raise DescriptorError(f"{label}: `names`: {error}; {npz.REMEDY}") from None


def checked_descriptors(
    label: str,
    names: np.ndarray,
    rows: np.ndarray,
    made: str | None = None,
    known: Container[str] = (),
) -> Descriptors:
    """Descriptors `rows` [N, D] of `names` [N].

    Args:
        label: what messages call them.
        made: what they were made with, see `provenance`.
        known: names that nothing is cut off from.

    Raises:
        DescriptorError: missing or doubled names, wrong shapes, numbers that are none.
    """
    texts = checked_names(label, names)
    rows = checked_rows(label, rows, texts)
    first: dict[str, str] = {}
    short = [text if text in known else bare_name(text) for text in texts]
    for name, text in zip(short, texts, strict=True):
        if name in first:
            raise DescriptorError(
                f"{label}: {name!r} is there more than once, as {shown(first[name])} and as "
                f"{shown(text)}; images are known without folder and suffix: leave one of each"
            )
        first[name] = text
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


def require_format(path: Path) -> None:
    """Make sure that descriptors can be written to a file of this name.

    Raises:
        DescriptorError: no format has its suffix.
        ImportError: its format needs a package that is not installed.
    """
    if path.suffix and path.suffix.lower() not in formats():
        raise DescriptorError(
            f"{path}: descriptors are not written as {path.suffix}; choose among "
            f"{', '.join(sorted(formats()))}"
        )
    require_package(path)


def has_names(path: Path) -> bool:
    """Whether the format of a file of this name has the names of images."""
    return _format_of(path).HAS_NAMES


def require_names(path: Path, names: Iterable[str]) -> None:
    """Make sure that images of these names can be told apart in a file of this name.

    Raises:
        DescriptorError: two would have one name there, or its format cannot have one of them.
    """
    if not has_names(path):
        return
    form, known = _format_of(path), set()
    for name in names:
        try:
            called = form.called(name)
        except ContentError as fault:
            raise DescriptorError(f"{path}: {fault}") from None
        if called in known:
            raise DescriptorError(
                f"{path}: {shown(called)} would be there twice; give each image once, and in place "
                "of several folders the one around them"
            )
        known.add(called)


def write_descriptors(path: Path, names: Sequence[str], rows: np.ndarray, made: str) -> None:
    """Write what `read_descriptors` reads, in the format of the suffix; whole or not at all.

    Args:
        made: what they were made with, see `provenance`.

    Raises:
        DescriptorError, ImportError: see `require_format` and `require_names`.
    """
    require_format(path)
    require_names(path, names)
    with replacing(path) as unfinished:
        _format_of(path).write(unfinished, names, rows, made)


def require_comparable(one: Descriptors, other: Descriptors) -> None:
    """Raises DescriptorError where two files cannot belong together; names both."""
    if one.rows.shape[1] != other.rows.shape[1]:
        raise DescriptorError(
            f"{other.label} has {other.rows.shape[1]} numbers a row, {one.label} has "
            f"{one.rows.shape[1]}: they are of two networks"
        )
    if one.provenance and other.provenance and one.provenance != other.provenance:
        found = text_difference(other.provenance, one.provenance, "there")
        made = f"with {other.provenance}, {one.label} with {one.provenance}"
        if found:
            made = f"{found.made} than {one.label} ({found.values})"
        raise DescriptorError(
            f"{other.label} was made {made}: describe both with one model, preprocessing and image "
            "size"
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
