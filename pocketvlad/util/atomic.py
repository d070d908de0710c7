"""Files that are there whole or not at all."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST = 200  # bytes of a name: systems allow 255, and to this one more is added
_ALMOST = 1 << 16  # bytes: what is free at most on a disk that a writer has found full


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends.

    It lies beside `path` and is hidden, so that nobody takes it for a result. After an error it is
    removed, and `path` is as it was before. What a killed process has left is removed by the next
    one that writes `path`. The new file has the mode that the umask gives, whatever wrote it.

    Raises:
        OSError: the system refuses it; names `path`, also where a library that writes has an error
            of its own for a full disk.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "figures.csv"
    >>> with replacing(target) as unfinished:
    ...     _ = unfinished.write_text("a,b")
    ...     target.exists()
    False
    >>> target.read_text()
    'a,b'
    """
    _remove_left(path)
    unfinished = path.with_name(str(os.getpid()).join(_affixes(path)))
    try:
        unfinished.touch()
        mode = unfinished.stat().st_mode
        yield unfinished
        unfinished.chmod(mode)
        os.replace(unfinished, path)
    except Exception as error:
        refused = isinstance(error, OSError) and error.errno is not None
        if refused and error.filename in (None, str(unfinished)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        if not refused and _is_full(path, error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    finally:
        with suppress(OSError):  # a disk that is read-only refuses even what is not there
            unfinished.unlink(missing_ok=True)


def remove_unfinished(path: Path) -> None:
    """Remove what killed programs have left of `path`; for a program that alone writes it now."""
    for left, _ in list(_begun(path)):
        os.unlink(left)


def _affixes(path: Path) -> tuple[str, str]:
    """What a hidden name has before and after the number of the process that writes."""
    name = path.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    # The suffix stays: some writers choose the format by it.
    return f".{name}.", f".part{path.suffix}"


def _begun(path: Path) -> Iterator[tuple[str, int]]:
    """What processes have begun to write in place of `path`, with their numbers."""
    before, after = _affixes(path)
    for entry in os.scandir(path.parent):
        if entry.name.startswith(before) and entry.name.endswith(after):
            number = entry.name[len(before) : -len(after)]
            if number.isascii() and number.isdecimal():
                yield entry.path, int(number)


def _is_full(path: Path, error: Exception) -> bool:
    """Whether an error that has lost the system's number comes of a full disk."""
    with suppress(OSError):
        return "os error 28" in str(error) or shutil.disk_usage(path.parent).free < _ALMOST
    return False


def _remove_left(path: Path) -> None:
    """Remove what processes that are gone have begun to write in place of `path`."""
    if os.name == "nt":
        return  # no asking there whether a process is alive
    with suppress(OSError):
        for left, process in list(_begun(path)):
            if not _is_alive(process):
                os.unlink(left)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
