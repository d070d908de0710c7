"""Compares a file with its declared size and digest."""

import hashlib
from pathlib import Path


class ChecksumError(ValueError):
    """A file is missing or is not the declared one; the message gives both figures."""


def file_digest(path: Path, algorithm: str) -> str:
    """The digest of a file's bytes by "md5" or "sha256", hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def verify_file(path: Path, checksum: str | None, size: int | None = None) -> None:
    """Compare a file with its known checksum and size.

    Args:
        checksum: "md5:..." or "sha256:...", hexadecimal, or "sha256-prefix:..." with the digest's
            first digits, which is what the names of torchvision's files give. None: not known.
        size: bytes. None: not known.

    Raises:
        ChecksumError: the file is missing or another one; gives both figures.
    """
    if not path.is_file():
        raise ChecksumError(
            f"{path} is missing; put it there, or set `data_folder` in the config (or the "
            "environment variable POCKETVLAD_DATA) to the folder that holds it"
        )
    remedy = "the file is damaged or another version; fetch it again"
    # The size first: it costs nothing.
    found_size = path.stat().st_size
    if size is not None and found_size != size:
        raise ChecksumError(f"{path}: {found_size:,} bytes found, {size:,} expected: {remedy}")
    if checksum is None:
        return
    kind, expected = checksum.split(":")
    algorithm = kind.removesuffix("-prefix")
    found = file_digest(path, algorithm)
    right = found.startswith(expected) if kind.endswith("-prefix") else found == expected
    if not right:
        raise ChecksumError(f"{path}: {kind} {found} found, {expected} expected: {remedy}")
