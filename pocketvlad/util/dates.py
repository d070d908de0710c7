"""Files dated in the future, as a clock leaves them that was ahead and then set right."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

_TOLERANCE = 2.0  # seconds: clocks of two machines differ, and disks round


def redate(folder: Path) -> int:
    """Date now what lies in the future, in a folder and below; what links lead to stays as it is.

    Snakemake goes by dates: what is made of such a file would always look older than it.

    Returns:
        how many files and folders there were.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a").touch()
    >>> redate(folder)
    0
    >>> os.utime(folder / "a", (2**32, 2**32))
    >>> redate(folder), (folder / "a").stat().st_mtime <= time.time()
    (1, True)
    """
    now, found = time.time(), 0
    for path in _all(folder):
        try:
            if os.lstat(path).st_mtime > now + _TOLERANCE:
                if not os.path.islink(path):
                    os.utime(path, (now, now))
                elif os.utime in os.supports_follow_symlinks:
                    os.utime(path, (now, now), follow_symlinks=False)
                found += 1
        except OSError:  # it is gone, or another user's
            continue
    return found


def _all(folder: Path) -> Iterator[str]:
    for place, _, files in os.walk(folder):
        yield place
        yield from (os.path.join(place, name) for name in files)
