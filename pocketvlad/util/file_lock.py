"""A lock on an open file, which ends with the process, however that ends."""

import os
from contextlib import suppress
from pathlib import Path
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


def open_locked(path: Path) -> BinaryIO | None:
    """The file of this name, open for appending, made if there is none, and locked; None where
    another process has locked it.

    It has the name still: whoever had it locked before may have removed it.
    """
    while True:
        file = open(path, "a+b", buffering=0)  # noqa: SIM115 - closed by who gets it
        if not try_lock(file):
            file.close()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def remove_locked(path: Path, file: BinaryIO) -> None:
    """Remove a file of `open_locked`, and unlock it."""
    if os.name == "nt":  # which removes no file that is open, also where another process has it
        file.close()
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
    else:  # before another process may lock it: that would lose its own
        path.unlink(missing_ok=True)
        file.close()
