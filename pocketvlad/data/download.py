"""Getting a file from its mirrors, so that nothing incomplete or wrong ever looks finished."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.data.sources import Source, lock_path, lock_source, verify_source
from pocketvlad.data.transfer import Part, TransferError, transfer
from pocketvlad.util.checksum import ChecksumError

# Bytes; an attempt that brings the file so much further is no failure to be counted.
_STEP = 1 << 20


class DownloadError(RuntimeError):
    """No url of a source gives the right file; the message says why, for each."""


@dataclass(frozen=True)
class Patience:
    """When a url is tried again, and when it is given up. Times are in seconds."""

    attempts: int = 5  # in a row that bring the file no further
    first_wait: float = 1.0  # doubled after each attempt
    longest_wait: float = 60.0
    longest_request: float = 300.0  # to wait, that a busy server may make (Retry-After)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0  # between two pieces of the answer

    def wait(self, failures: int, error: TransferError) -> float:
        """How long to wait after so many failed attempts in a row, the last of them `error`.

        Raises:
            TransferError: it is no use, or takes too long.
        """
        if not error.passing:
            raise error
        if failures >= self.attempts:
            raise TransferError(f"{error}; given up after {failures} attempts", False)
        if error.wait is None:
            return min(self.first_wait * 2 ** (failures - 1), self.longest_wait)
        if error.wait > self.longest_request:
            raise TransferError(f"{error}; the server asks to wait {error.wait:,.0f} s", False)
        return error.wait


def _fetch(url: str, part: Part, source: Source, verifiable: bool, patience: Patience) -> None:
    failures, furthest = 0, part.size()
    timeout = (patience.connect_timeout, patience.read_timeout)
    while True:
        try:
            transfer(url, part, source.size, verifiable, timeout)
        except TransferError as error:
            # Measured from the furthest point ever: a server without ranges that always breaks
            # off half-way brings much in each attempt, and never more.
            failures = 1 if part.size() >= furthest + _STEP else failures + 1
            furthest = max(furthest, part.size())
            wait = patience.wait(failures, error)
            print(f"{url}: {error}; again in {wait:g} s", file=sys.stderr)
            time.sleep(wait)
        else:
            return


def _mirrors(source: Source, part: Part) -> list[str]:
    """The urls in their order; but what is half fetched goes on where it began."""
    origin = part.origin()
    return sorted(source.web_urls, key=lambda url: origin is None or url != origin.url)


def _is_there(source: Source, target: Path) -> bool:
    """Whether the file is already there and known to be right."""
    if source.checksum is None and not lock_path(source, target.parent).exists():
        return False
    try:
        verify_source(source, target, target.parent)
    except ChecksumError:
        return False
    return True


def download(source: Source, target: Path, patience: Patience = Patience()) -> None:
    """Fetch `source` from the first of its urls that gives the right file.

    A file that is there and right is kept. A broken transfer leaves `<target>.part`, from which
    the next call goes on. If no checksum is declared, digest and size are recorded in a lock file
    beside `target` (see `sources`).

    Raises:
        DownloadError: no url gives it.
        DiskSpaceError: the disk is too full for it.
    """
    if _is_there(source, target):
        target.touch()  # newer than what made the caller ask for it
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Part(target)
    locked = lock_path(source, target.parent).exists()
    verifiable = locked or source.checksum is not None or source.size is not None
    failures = []
    for url in _mirrors(source, part):
        try:
            _fetch(url, part, source, verifiable, patience)
        except TransferError as error:
            failures.append(f"{url}: {error}")
            continue
        try:
            verify_source(source, part.path, target.parent)
        except ChecksumError as error:
            failures.append(f"{url}: {error}")
            part.discard()
            continue
        with open(part.path, "rb") as file:
            os.fsync(file.fileno())
        lock_source(source, part.path, url, target.parent)
        part.rename(target)
        return
    if part.origin() is None:
        part.discard()
    else:
        failures.append(f"{part.size():,} bytes are kept; the same command goes on from there")
    failures.append(
        f"or put {source.name} into the folder that `data_folder` of the config, or the "
        "environment variable POCKETVLAD_DATA, names"
    )
    raise DownloadError(f"{source.name} could not be fetched:\n  " + "\n  ".join(failures))
