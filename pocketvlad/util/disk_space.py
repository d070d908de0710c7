"""Checks for free disk space before a long job."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pocketvlad.util.foreign import reason

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class DiskSpaceError(RuntimeError):
    """A disk is too full; the message gives the figure needed and the figure free."""


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Make sure that `needed` bytes fit where `folder` lies.

    Args:
        folder: an existing one.
        purpose: what they are for; the message begins with it.

    Raises:
        DiskSpaceError: they do not fit.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskSpaceError(
            f"{purpose} needs {needed:,} bytes ({needed / 1e9:.1f} GB) in {folder}, where "
            f"{free:,} ({free / 1e9:.1f} GB) are free; make room, or use another disk"
        )


@contextmanager
def telling_full_disk(path: Path) -> Iterator[None]:
    """The block writes `path`; a disk that is full while it does, or a limit, is told with what to
    do.

    Raises:
        DiskSpaceError: in place of the system's error.

    >>> with telling_full_disk(Path("city.pvmap")):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
        ...
    pocketvlad.util.disk_space.DiskSpaceError: city.pvmap cannot be written: [Errno 28] No space ...
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskSpaceError(
            f"{path} cannot be written: {reason(error)}; make room, or use another disk"
        ) from None
