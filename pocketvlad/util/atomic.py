"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    # The suffix stays: some writers choose the format by it.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        unfinished.touch()
        mode = unfinished.stat().st_mode
        yield unfinished
        unfinished.chmod(mode)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
