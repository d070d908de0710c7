"""A lock on an open file, which ends with the process, however that ends."""

import os
from typing import BinaryIO


def try_lock(file: BinaryIO) -> bool:
    """Lock the file for this process until it is closed; False where another process has.

    Where the file's system knows no locks, none is held, and it is True.

    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     try_lock(file)
    True
    """
    try:
        if os.name == "nt":
            import msvcrt

            # A locked byte cannot be read by others; this one is far behind, as far as msvcrt goes.
            file.seek((1 << 31) - 2)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
