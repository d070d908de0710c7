"""Files from outside that must stay as they are while they are read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class ChangedError(ValueError):
    """A file was replaced or written while it was read; names it and says what to do."""


@contextmanager
def unchanged(paths: Iterable[Path | str]) -> Iterator[None]:
    """A block that ends only if the files are those that were there when it began.

    Half of one archive and half of another would be a result of neither; and a result that is made
    after the file was replaced looks newer than the new file, so that it would never be made again.

    Raises:
        ChangedError: they are not. An error in the block is then but a consequence.

    >>> import tempfile
    >>> archive = Path(tempfile.mkdtemp()) / "images.tar"
    >>> _ = archive.write_text("old")
    >>> with unchanged([archive]):
    ...     _ = archive.write_text("newer")
    Traceback (most recent call last):
      ...
    pocketvlad.util.unchanged.ChangedError: ...images.tar was replaced or written while it was ...
    """
    before = {Path(path): _state(Path(path)) for path in paths}
    try:
        yield
    except Exception as error:
        _require(before, error)
        raise
    _require(before, None)


def _require(before: dict[Path, object], cause: Exception | None) -> None:
    for path, state in before.items():
        if _state(path) != state:
            raise ChangedError(
                f"{path} was replaced or written while it was read; when the new file is complete, "
                "run the same command again"
            ) from cause


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes when a file is replaced or written; its contents are not read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
