"""Archives whose bytes depend on nothing but the names and contents in them."""

import gzip
import io
import os
import tarfile
from pathlib import Path


def write_archive(path: Path, files: dict[str, bytes]) -> None:
    """Write a tar file, gzipped for the suffixes .tgz and .gz, in the order of the names.

    Owner, mode and times are fixed.  The file is written as by `write_whole`.
    Raises ValueError for a suffix other than .tar, .tgz and .tar.gz.
    """
    path = Path(path)
    if not path.name.endswith((".tar", ".tgz", ".tar.gz")):
        raise ValueError(f"path: {path.name!r} is not allowed: end it in .tar, .tgz or .tar.gz")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(files[name]), 0o644, 0
            tar.addfile(entry, io.BytesIO(files[name]))
    content = data.getvalue()
    if not path.name.endswith(".tar"):
        content = gzip.compress(content, compresslevel=6, mtime=0)
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, which appears under its name only when it is complete."""
    # Same folder, so that the rename cannot fall back to a copy.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
