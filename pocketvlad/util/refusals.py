"""What a system refuses a program that reads or writes, and what its user can do about it."""

import errno
import tempfile
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "make room on the disk that it lies on",
    errno.EROFS: "mount its file system for writing, or write to another folder",
    errno.EACCES: "give your user the right to read and write it",
    errno.EPERM: "give your user the right to write it, and take off any attribute that forbids it",
}
if hasattr(errno, "EDQUOT"):
    _REMEDIES[errno.EDQUOT] = "make room within your quota, or ask for a larger one"


def remedy(error: BaseException | None) -> str | None:
    """What to do about an error, or about what caused it; None for errors of other kinds.

    >>> remedy(OSError(errno.EROFS, "Read-only file system", "results"))
    'mount its file system for writing, or write to another folder'
    >>> remedy(ValueError("a.jpg is no image"))
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _REMEDIES:
            return _REMEDIES[error.errno]
        error = error.__cause__ or error.__context__
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was refused, also where torch says so, which has no one class for it.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    >>> is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    True
    """
    texts = ("DefaultCPUAllocator", "out of memory", "ALLOC_FAILED")
    refused = isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    return refused or isinstance(error, MemoryError)


def unwritable(folder: Path) -> str | None:
    """Why nothing can be written to a folder, which is made if it is missing, and what to do about
    it; None if something can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        advice = remedy(error) or "look at the folder"
        return f"{folder.absolute()} cannot be written: {error.strerror}; {advice}"
    return None
