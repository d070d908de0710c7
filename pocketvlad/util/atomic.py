"""Files that are there whole or not at all."""

import glob
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 200  # bytes of a name: systems allow 255, and to this one more is added


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends.

    It lies beside `path` and is hidden, so that nobody takes it for a result. After an error it is
    removed, and `path` is as it was before. The new file has the mode that the umask gives,
    whatever wrote it.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "figures.csv"
    >>> with replacing(target) as unfinished:
    ...     _ = unfinished.write_text("a,b")
    ...     target.exists()
    False
    >>> target.read_text()
    'a,b'
    """
    unfinished = path.with_name(_unfinished(path, str(os.getpid())))
    try:
        unfinished.touch()
        mode = unfinished.stat().st_mode
        yield unfinished
        unfinished.chmod(mode)
        os.replace(unfinished, path)
    except OSError as error:
        if error.errno is not None and error.filename is None:  # of a write to an open file
            error.filename = str(path)
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(path: Path) -> None:
    """Remove what killed programs have left of `path`; for a program that alone writes it now."""
    pattern = _unfinished(path, "*", glob.escape)
    for left in path.parent.glob(pattern):
        left.unlink(missing_ok=True)


def _unfinished(path: Path, process: str, written: Callable[[str], str] = str) -> str:
    name = path.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    # The suffix stays: some writers choose the format by it.
    return f".{written(name)}.{process}.part{written(path.suffix)}"
