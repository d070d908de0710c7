"""Checks for free disk space before a long job."""

import shutil
from pathlib import Path


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
