"""Getting archives and unpacking them, so that nothing incomplete looks finished."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import requests

from pocketvlad.progress import progress

_CHUNK = 1 << 20
_TIMEOUT = (10, 60)  # seconds to connect, and between two pieces of the answer


class ArchiveError(ValueError):
    """An archive cannot be had, is not the declared one, or cannot be unpacked."""


def verify_checksum(path: Path, checksum: str | None) -> None:
    """Hold a file against its declared checksum, if there is one.

    Args:
        checksum: "md5:..." or "sha256:...", hexadecimal.

    Raises:
        ArchiveError: the file is missing or another one; gives both digests.
    """
    if not path.is_file():
        raise ArchiveError(
            f"{path} is missing; put it there, or set `data_folder` in the config (or the "
            "environment variable POCKETVLAD_DATA) to the folder that holds it"
        )
    if checksum is None:
        return
    algorithm, expected = checksum.split(":")
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise ArchiveError(
            f"{path}: {algorithm} {found} found, {expected} expected: the file is damaged or "
            "another version; delete it and fetch it again"
        )


def _fetch_once(url: str, target: Path) -> None:
    with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
        response.raise_for_status()
        size = int(response.headers.get("Content-Length", 0))
        with open(target, "wb") as file, progress(size, target.name, "B") as bar:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def download(urls: Sequence[str], target: Path, checksum: str | None) -> None:
    """Fetch the first of `urls` that answers with the right file.

    Raises:
        ArchiveError: none does; says why for each.
    """
    temporary = target.with_name(target.name + ".part")
    failures = []
    for url in urls:
        try:
            _fetch_once(url, temporary)
            verify_checksum(temporary, checksum)
        except (requests.RequestException, ArchiveError) as error:
            failures.append(f"{url}: {error}")
            temporary.unlink(missing_ok=True)
        else:
            os.replace(temporary, target)
            return
    raise ArchiveError(f"{target.name} could not be fetched:\n  " + "\n  ".join(failures))


def unpack(archives: Iterable[Path], suffix: str, folder: Path) -> int:
    """Unpack every regular file that ends in `suffix` into `folder`, without subfolders.

    The official archives differ in their folders only; the files' own names are unique.

    Returns:
        how many files there are.

    Raises:
        ArchiveError: an archive is damaged, two files have one name, or there is none; what was
            unpacked so far is removed.
    """
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    count = 0
    try:
        for archive in archives:
            count += _unpack_one(archive, suffix, temporary)
        if not count:
            raise ArchiveError(f"{', '.join(map(str, archives))}: no file ends in {suffix}")
    except ArchiveError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)
    return count


def _unpack_one(archive: Path, suffix: str, folder: Path) -> int:
    count = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                # Only the last part of a member's name is used: no name can lead elsewhere.
                name = PurePosixPath(member.name).name
                if not member.isfile() or not name.endswith(suffix):
                    continue
                target = folder / name
                if target.exists():
                    raise ArchiveError(f"{archive} holds a second file called {name}")
                with tar.extractfile(member) as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file, _CHUNK)
                count += 1
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ArchiveError(f"{archive} cannot be unpacked: {error}; fetch it again") from None
    return count


def unpack_verified(
    archives: Sequence[Path], checksums: Sequence[str | None], suffix: str, folder: Path
) -> int:
    """`unpack`, after every archive has been held against its checksum, where it has one."""
    for archive, checksum in zip(archives, checksums or [None] * len(archives), strict=True):
        verify_checksum(archive, checksum)
    return unpack(archives, suffix, folder)
