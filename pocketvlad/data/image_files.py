"""Image files in folders: which they are, how they are named, and whether they have changed."""

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePath

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Of the formats that are read; in files' names they may be in upper case, too."""


def is_image_name(path: PurePath) -> bool:
    return path.suffix.lower() in SUFFIXES


def bare_name(text: str) -> str:
    """An image's name in lists and tables: without folders and without the suffix of a format."""
    path = PurePath(text)
    return path.stem if is_image_name(path) else path.name


def find_images(folder: Path) -> list[Path]:
    """The images in `folder` and the folders in it, sorted; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if is_image_name(path)
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def state(files: Iterable[Path], folder: Path) -> str:
    """What changes when one of the files is added, removed, renamed or written, hexadecimal.

    Args:
        files: in `folder`; their contents are not read.
    """
    digest = hashlib.sha256()
    for path in files:
        status = path.stat()
        line = f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]
