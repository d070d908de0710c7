"""The descriptors of a folder's photographs, kept beside them so that each is described once."""

import hashlib
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pocketvlad.retrieval.describe import Picture
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.atomic import replacing

Describe = Callable[[Sequence[Picture]], np.ndarray]


def index_file(folder: Path, made_with: str) -> Path:
    """Where the index of this provenance lies: another model or image size has another."""
    digest = hashlib.sha256(made_with.encode()).hexdigest()
    return folder / f".pocketvlad-{digest[:16]}.npz"


def _stamp(path: Path) -> str:
    """What changes when the file does."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def _load(path: Path, made_with: str) -> dict[tuple[str, str], np.ndarray]:
    """(name, stamp) -> descriptor; nothing where there is no readable index of this provenance."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if stored["provenance"].item() != made_with:
                return {}
            keys = zip(stored["names"].tolist(), stored["stamps"].tolist(), strict=True)
            return dict(zip(keys, stored["descriptors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def indexed(
    folder: Path,
    pictures: Sequence[Picture],
    made_with: str,
    describe: Describe,
    fault: Callable[[Picture], str | None],
) -> tuple[list[Picture], np.ndarray, list[str]]:
    """Descriptors of `pictures`, described only where the folder's index lacks them.

    The index is brought up to date; where the folder may not be written to, nothing is kept.

    Args:
        made_with: what `describe` uses, as `provenance` gives it.
        fault: what is wrong with a picture, or None; asked of each before it is described.

    Returns:
        the pictures without fault, their descriptors [N, D], and the faults of the others.
    """
    file = index_file(folder, made_with)
    known = _load(file, made_with)
    keys = {
        picture: (str(picture.path.relative_to(folder)), _stamp(picture.path))
        for picture in pictures
    }
    missing, faults = [], []
    for picture, key in keys.items():
        if key not in known:
            if found := fault(picture):
                faults.append(found)
            else:
                missing.append(picture)
    if missing:
        rows = describe(missing)
        known.update(zip((keys[picture] for picture in missing), rows, strict=True))
    good = [picture for picture, key in keys.items() if key in known]
    descriptors = np.array([known[keys[picture]] for picture in good])
    if missing or len(known) != len(good):
        _save(file, [keys[picture] for picture in good], descriptors, made_with)
    return good, descriptors, faults


def _save(
    file: Path, keys: Sequence[tuple[str, str]], descriptors: np.ndarray, made_with: str
) -> None:
    if not keys:
        return
    names, stamps = (np.array(column) for column in zip(*keys, strict=True))
    try:
        with replacing(file) as unfinished:
            np.savez(
                unfinished,
                names=names,
                stamps=stamps,
                descriptors=descriptors,
                provenance=made_with,
            )
    except OSError as error:  # a folder that may not be written to, a full disk
        warnings.warn(f"the index is not kept: {error}", PhotographWarning, stacklevel=3)
