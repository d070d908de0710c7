"""Folders that are there whole or not at all."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pocketvlad.util.file_lock import open_locked, remove_locked


class FolderInUseError(ValueError):
    """Another run is writing the same folder; names it."""


@contextmanager
def replacing_folder(folder: Path, kept: Sequence[str] = ()) -> Iterator[Path]:
    """A folder to write to, which takes the place of `folder` when the block ends.

    It lies beside `folder` and is hidden. After an error, or a kill, `folder` is as it was before.

    Args:
        folder: absolute.
        kept: names of files that an error leaves, and that the next run finds: it goes on with
            them.

    Raises:
        FolderInUseError: another process is writing it.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "city"
    >>> with replacing_folder(target) as unfinished:
    ...     _ = (unfinished / "a.txt").write_text("a")
    ...     target.exists()
    False
    >>> [path.name for path in target.iterdir()]
    ['a.txt']
    """
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    before = folder.with_name(f".{folder.name}.before")
    with _alone(folder):
        if before.exists():  # a kill came between the two names
            shutil.rmtree(before) if folder.exists() else before.rename(folder)
        unfinished.mkdir(exist_ok=True)
        try:
            _clean(unfinished, kept)
            yield unfinished
        except BaseException:
            _clean(unfinished, kept)
            if not any(unfinished.iterdir()):
                shutil.rmtree(unfinished, ignore_errors=True)
            raise
        if folder.exists():
            folder.rename(before)
        unfinished.rename(folder)
        shutil.rmtree(before, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process writes `folder` until the block ends. The lock lies beside all that gets
    another name in it.

    Raises:
        FolderInUseError: another process is writing it.
    """
    path = folder.with_name(f".{folder.name}.lock")
    lock = open_locked(path)
    if lock is None:
        raise FolderInUseError(f"{folder} is being written by another run; wait for its end")
    try:
        yield
    finally:
        with lock, suppress(OSError):  # a lock that a full or read-only disk keeps stops nobody
            remove_locked(path, lock)


def _clean(folder: Path, kept: Sequence[str]) -> None:
    for path in folder.iterdir():
        if path.name in kept:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
