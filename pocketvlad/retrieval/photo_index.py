"""The descriptors of a folder's photographs, kept beside them so that each is described once."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pocketvlad.retrieval.describe import Picture
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.atomic import replacing
from pocketvlad.util.foreign import reason

Describe = Callable[[Sequence[Picture]], np.ndarray]


def index_file(folder: Path, made_with: str) -> Path:
    """Where the index of this provenance lies: another model or image size has another."""
    digest = hashlib.sha256(made_with.encode()).hexdigest()
    return folder / f".pocketvlad-{digest[:16]}.npz"


def _stamp(path: Path) -> str:
    """What changes when the file does."""
    status = path.stat()
    # Some programs keep size and time; the time of the change itself they cannot set.
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def _load(path: Path, made_with: str, length: int) -> dict[tuple[str, str], np.ndarray]:
    """(name, stamp) -> descriptor; nothing where there is no index of this provenance. One that is
    damaged is made anew."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            made, names = str(stored["provenance"]), stored["names"].tolist()
            stamps, rows = stored["stamps"].tolist(), stored["descriptors"]
    except FileNotFoundError:
        return {}
    except Exception as error:  # on other bytes numpy raises whatever it stumbles on
        _say(f"the index {path} is damaged ({reason(error)}) and is made anew")
        return {}
    fits = rows.shape == (len(names), length) and rows.dtype == np.float32
    if not (fits and len(stamps) == len(names) and np.isfinite(rows).all()):
        _say(f"the index {path} is damaged and is made anew")
        return {}
    return (
        dict(zip(zip(names, stamps, strict=True), rows, strict=True)) if made == made_with else {}
    )


def _say(text: str) -> None:
    warnings.warn(text, PhotographWarning, stacklevel=4)


def indexed(
    folder: Path,
    pictures: Sequence[Picture],
    made_with: str,
    length: int,
    describe: Describe,
    fault: Callable[[Picture], str | None],
) -> tuple[list[Picture], np.ndarray, list[str]]:
    """Descriptors of `pictures`, described only where the folder's index lacks them.

    The index is brought up to date; where the folder may not be written to, nothing is kept.

    Args:
        made_with: what `describe` uses, as `provenance` gives it.
        length: numbers of a descriptor.
        fault: what is wrong with a picture, or None; asked of each before it is described.

    Returns:
        the pictures without fault, their descriptors [N, D], and the faults of the others.
    """
    file = index_file(folder, made_with)
    known = _load(file, made_with, length)
    keys, missing, faults = {}, [], []
    for picture in pictures:
        try:
            keys[picture] = (str(picture.path.relative_to(folder)), _stamp(picture.path))
        except OSError as error:  # it has gone meanwhile
            faults.append(f"{picture.path}: {reason(error)}")
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
        _say(f"the index is not kept: {error}")
