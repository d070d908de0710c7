"""Unpacking archives, so that nothing incomplete looks finished and nothing unsafe gets out."""

import bz2
import errno
import gzip
import lzma
import shutil
import tarfile
import unicodedata
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pocketvlad.data.image_files import is_hidden
from pocketvlad.util.bounded_stream import BoundedStream, BoundsError
from pocketvlad.util.counted import counted
from pocketvlad.util.disk_space import DiskSpaceError, require_space
from pocketvlad.util.foreign import foreign, reason
from pocketvlad.util.refusals import remedy
from pocketvlad.util.shown import shown
from pocketvlad.util.whole_folder import replacing_folder

_CHUNK = 1 << 20
_BLOCK = 512  # tar's
_CLUSTER = 4096  # bytes; what a small file takes on most disks
_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_DAMAGES = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"\x28\xb5\x2f\xfd": "an archive packed by zstd",
    b"<!DO": "a web page",
    b"<!do": "a web page",
    b"<htm": "a web page",
}
"""What people take for a tar archive, by how it begins."""


class ArchiveError(ValueError):
    """An archive is damaged or not to be trusted; the message names it and the member."""


@dataclass(frozen=True)
class Limits:
    """How much is absurd for an archive of photographs or lists, in bytes.

    The official image archives unpack to 2 GB, their largest file is below 3 MB.
    """

    file: int = 500_000_000
    archive: int = 100_000_000_000


def other_kind(path: Path) -> str | None:
    """What a file is that is no tar archive, if that is known."""
    with open(path, "rb") as file:
        return _OTHERS.get(file.read(4))


def is_archive(path: Path) -> bool:
    """Whether a file begins as a tar archive does, compressed or not.

    Raises:
        ArchiveError: the compression is damaged.
    """
    with (
        foreign(ArchiveError, f"{path} cannot be unpacked", "fetch it again"),
        _decompressed(path, Limits()) as stream,
    ):
        try:
            tarfile.open(fileobj=stream, mode="r:").close()
        except (tarfile.TarError, OSError, lzma.LZMAError):
            return False
        return True


def unpack(
    archives: Sequence[Path],
    suffix: str,
    folder: Path,
    limits: Limits = Limits(),
    also: Collection[str] = (),
) -> int:
    """Unpack every file that ends in `suffix` into `folder`, without subfolders.

    The official archives differ in their folders only; the files' own names are unique, and there
    is nothing in them but folders and regular files. Every archive is read to its end before the
    first file is written. Hidden files, such as a Mac's archives have, are left out.

    Args:
        suffix: in lower case; in the archive it may be in upper case, too.
        also: further suffixes of files that are unpacked; they get `suffix` in their place.

    Returns:
        how many files there are.

    Raises:
        ArchiveError: an archive is damaged, holds a link, a device, a path that leads elsewhere
            or more than `limits`; two files have one name; or there is none.
        DiskSpaceError: the files do not fit on the disk.
    """
    sizes: dict[str, int] = {}
    wanted = _Wanted(suffix, frozenset(also))
    for archive in archives:
        _survey(archive, wanted, limits, sizes)
    if not sizes:
        raise ArchiveError(f"{', '.join(map(str, archives))}: no file ends in {suffix}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(folder.absolute()) as unfinished:
        needed = sum(-(-size // _CLUSTER) * _CLUSTER for size in sizes.values())
        require_space(unfinished, needed, f"unpacking {', '.join(map(str, archives))}")
        for archive in archives:
            _extract(archive, wanted, limits, unfinished)
    return len(sizes)


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Every member; whatever tarfile stumbles on in a header is a ReadError."""
    while True:
        try:
            member = tar.next()
        except (BoundsError, *_DAMAGES):
            raise
        except Exception as error:
            raise tarfile.ReadError(reason(error)) from None
        if member is None:
            return
        yield member


@contextmanager
def _decompressed(archive: Path, limits: Limits) -> Iterator[BoundedStream]:
    """The uncompressed bytes of an archive. tarfile's own decompression would read a header of any
    size into memory."""
    with open(archive, "rb") as file:
        decompress = _COMPRESSIONS.get(file.read(2), open)
    with decompress(archive, "rb") as file:
        yield BoundedStream(file, limits.archive, 16 * _CHUNK)


@contextmanager
def _opened(archive: Path, limits: Limits) -> Iterator[tuple[tarfile.TarFile, BoundedStream]]:
    """The archive and its uncompressed bytes; whatever is wrong with them is an ArchiveError."""
    try:
        if kind := other_kind(archive):
            advice = "fetch it again" if "page" in kind else "pack it again as .tar or .tgz"
            raise ArchiveError(
                f"{archive} cannot be unpacked: it is {kind}, not a tar archive; {advice}"
            )
        with (
            _decompressed(archive, limits) as stream,
            tarfile.open(fileobj=stream, mode="r:") as tar,
        ):
            yield tar, stream
    except BoundsError as error:
        raise ArchiveError(
            f"{archive} holds {error}: get it from another place, or, if it is right, split it"
        ) from None
    except _DAMAGES as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DiskSpaceError(f"the disk is full: {error}; make room and run again") from None
        if remedy(error):  # nothing is wrong with the archive
            raise
        raise ArchiveError(f"{archive} cannot be unpacked: {error}; fetch it again") from None


def _survey(archive: Path, wanted: "_Wanted", limits: Limits, sizes: dict[str, int]) -> None:
    """Check every member, and add the size of each wanted file to `sizes`, by its own name."""
    with _opened(archive, limits) as (tar, stream):
        for member in _members(tar):
            _require_harmless(archive, member, limits)
            name = wanted.name(member)
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
                f"{counted(len(sizes), 'file', form=',')}; fetch it again"
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


@dataclass(frozen=True)
class _Wanted:
    """Which members are unpacked: see `unpack`."""

    suffix: str
    also: frozenset[str]

    def name(self, member: tarfile.TarInfo) -> str | None:
        """The file that a member becomes; None: none."""
        path = PurePosixPath(member.name)
        found = path.suffix.lower()
        if not member.isreg() or (found != self.suffix and found not in self.also):
            return None
        if any(is_hidden(part) for part in path.parts if part != "."):
            return None
        return f"{shown(unicodedata.normalize('NFC', path.stem))}{self.suffix}"


def _extract(archive: Path, wanted: "_Wanted", limits: Limits, folder: Path) -> None:
    with _opened(archive, limits) as (tar, _):
        for member in _members(tar):
            name = wanted.name(member)
            if name is None:
                continue
            # "x": also where the disk does not tell upper case from lower.
            with tar.extractfile(member) as source, open(folder / name, "xb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
