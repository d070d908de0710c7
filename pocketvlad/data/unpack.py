"""Unpacking archives, so that nothing incomplete looks finished and nothing unsafe gets out."""

import bz2
import errno
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pocketvlad.util.bounded_stream import BoundedStream, BoundsError
from pocketvlad.util.disk_space import DiskSpaceError, require_space

_CHUNK = 1 << 20
_BLOCK = 512  # tar's
_CLUSTER = 4096  # bytes; what a small file takes on most disks
_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_DAMAGES = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class ArchiveError(ValueError):
    """An archive is damaged or not to be trusted; the message names it and the member."""


@dataclass(frozen=True)
class Limits:
    """How much is absurd for an archive of photographs or lists, in bytes.

    The official image archives unpack to 2 GB, their largest file is below 3 MB.
    """

    file: int = 500_000_000
    archive: int = 100_000_000_000


def unpack(archives: Sequence[Path], suffix: str, folder: Path, limits: Limits = Limits()) -> int:
    """Unpack every file that ends in `suffix` into `folder`, without subfolders.

    The official archives differ in their folders only; the files' own names are unique, and there
    is nothing in them but folders and regular files. Every archive is read to its end before the
    first file is written.

    Returns:
        how many files there are.

    Raises:
        ArchiveError: an archive is damaged, holds a link, a device, a path that leads elsewhere
            or more than `limits`; two files have one name; or there is none.
        DiskSpaceError: the files do not fit on the disk.
    """
    sizes: dict[str, int] = {}
    for archive in archives:
        _survey(archive, suffix, limits, sizes)
    if not sizes:
        raise ArchiveError(f"{', '.join(map(str, archives))}: no file ends in {suffix}")
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        needed = sum(-(-size // _CLUSTER) * _CLUSTER for size in sizes.values())
        require_space(temporary, needed, f"unpacking {', '.join(map(str, archives))}")
        for archive in archives:
            _extract(archive, suffix, limits, temporary)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return len(sizes)


@contextmanager
def _opened(archive: Path, limits: Limits) -> Iterator[tuple[tarfile.TarFile, BoundedStream]]:
    """The archive and its uncompressed bytes; whatever is wrong with them is an ArchiveError."""
    try:
        with open(archive, "rb") as file:
            decompress = _COMPRESSIONS.get(file.read(2), open)
        with decompress(archive, "rb") as file:
            # tarfile's own decompression would read a header of any size into memory.
            stream = BoundedStream(file, limits.archive, 16 * _CHUNK)
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                yield tar, stream
    except BoundsError as error:
        raise ArchiveError(
            f"{archive} holds {error}: get it from another place, or, if it is right, split it"
        ) from None
    except _DAMAGES as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DiskSpaceError(f"the disk is full: {error}; make room and run again") from None
        raise ArchiveError(f"{archive} cannot be unpacked: {error}; fetch it again") from None


def _survey(archive: Path, suffix: str, limits: Limits, sizes: dict[str, int]) -> None:
    """Check every member, and add the size of each wanted file to `sizes`, by its own name."""
    with _opened(archive, limits) as (tar, stream):
        for member in tar:
            _require_harmless(archive, member, limits)
            name = _wanted(member, suffix)
            if name in sizes:
                raise ArchiveError(f"{archive} holds a second file called {name} ({member.name})")
            if name is not None:
                sizes[name] = member.size
        # At a damaged header tarfile ends as if there were no more.
        stream.seek(tar.offset)
        end = stream.read(_BLOCK)
        if len(end) < _BLOCK or any(end):
            raise ArchiveError(
                f"{archive} is cut off or damaged after {tar.offset:,} unpacked bytes, "
                f"{len(sizes):,} files; fetch it again"
            )
        # To the end, where the compression's own checksum of the whole is.
        while stream.read(_CHUNK):
            pass


def _require_harmless(archive: Path, member: tarfile.TarInfo, limits: Limits) -> None:
    if not (member.isdir() or member.isreg()) or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "a device or special file"
        raise ArchiveError(
            f"{archive}: {member.name!r} is {kind}; only folders and regular files are unpacked: "
            "get the archive from another place, or pack it again without"
        )
    parts = member.name.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or "\0" in member.name:
        raise ArchiveError(
            f"{archive}: {member.name!r} leads out of the folder that it is unpacked in: get the "
            "archive from another place, or pack it again with plain names"
        )
    if member.size > limits.file:
        raise ArchiveError(
            f"{archive}: {member.name!r} has {member.size:,} bytes, {limits.file:,} are allowed: "
            "get the archive from another place, or pack it again without"
        )


def _wanted(member: tarfile.TarInfo, suffix: str) -> str | None:
    name = PurePosixPath(member.name).name
    return name if member.isreg() and name.endswith(suffix) else None


def _extract(archive: Path, suffix: str, limits: Limits, folder: Path) -> None:
    with _opened(archive, limits) as (tar, _):
        for member in tar:
            name = _wanted(member, suffix)
            if name is None:
                continue
            # "x": also where the disk does not tell upper case from lower.
            with tar.extractfile(member) as source, open(folder / name, "xb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
