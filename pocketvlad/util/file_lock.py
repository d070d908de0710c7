"""A lock on an open file, which ends with the process, however that ends."""

import os
from typing import BinaryIO


def try_lock(file: BinaryIO) -> bool:
    """Lock the file for this process until it is closed; False where another process has.

    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     try_lock(file)
    True
    """
    try:
        if os.name == "nt":
            import msvcrt

            # Beyond any content: a locked byte cannot be read by others.
            file.seek(1 << 62)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
