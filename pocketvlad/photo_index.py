"""The descriptors of a folder's photographs, kept beside them so that each is described once."""

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from pocketvlad.describe import Picture
from pocketvlad.images import Sizing

Describe = Callable[[Sequence[Picture]], np.ndarray]


def index_file(folder: Path, model_file: Path, sizing: Sizing) -> Path:
    """Where the index by this model at this image size lies: another model has another."""
    digest = hashlib.sha256(model_file.read_bytes())
    digest.update(json.dumps(sizing.as_dict(), sort_keys=True).encode())
    return folder / f".pocketvlad-{digest.hexdigest()[:16]}.npz"


def _stamp(path: Path) -> str:
    """What changes when the file does."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def _load(path: Path) -> dict[tuple[str, str], np.ndarray]:
    """(name, stamp) -> descriptor; nothing where there is no readable index."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            keys = zip(stored["names"].tolist(), stored["stamps"].tolist(), strict=True)
            return dict(zip(keys, stored["descriptors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def indexed(
    folder: Path,
    pictures: Sequence[Picture],
    file: Path,
    describe: Describe,
    fault: Callable[[Picture], str | None],
) -> tuple[list[Picture], np.ndarray, list[str]]:
    """Descriptors of `pictures`, described only where `file` lacks them.

    `file` is brought up to date; where the folder may not be written to, nothing is kept.

    Args:
        fault: what is wrong with a picture, or None; asked of each before it is described.

    Returns:
        the pictures without fault, their descriptors [N, D], and the faults of the others.
    """
    known = _load(file)
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
        _save(file, [keys[picture] for picture in good], descriptors)
    return good, descriptors, faults


def _save(file: Path, keys: Sequence[tuple[str, str]], descriptors: np.ndarray) -> None:
    if not keys:
        return
    temporary = file.with_suffix(f".{os.getpid()}.npz")
    names, stamps = (np.array(column) for column in zip(*keys, strict=True))
    try:
        np.savez(temporary, names=names, stamps=stamps, descriptors=descriptors)
        os.replace(temporary, file)
    except OSError as error:  # a folder that may not be written to, a full disk
        print(f"the index is not kept: {error}", file=sys.stderr)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
