"""Whether what a verb is to write can be written: asked before anything is computed."""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pocketvlad.data.image_names import is_image_name

_LISTS = (".txt",)  # of an official ground truth


class OutputError(ValueError):
    """A file cannot be written where it is to be, or would replace one that is read."""


def _paths(arguments: argparse.Namespace, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for name in names:
        value = getattr(arguments, name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Path):
                yield name, each


def _replaces(output: Path, source: Path) -> bool:
    """Whether writing `output` would change what is read of `source`, a file or a folder."""
    if not output.exists() or not source.exists():
        return False
    if source.is_dir():
        read = is_image_name(output) or output.suffix.lower() in _LISTS
        return read and output.resolve().is_relative_to(source.resolve())
    return output.samefile(source)


def _require_writable(output: Path) -> None:
    folder = output.parent
    if not folder.is_dir():
        raise OutputError(f"{output}: there is no folder {folder}; make it first")
    if output.is_dir():
        raise OutputError(f"{output} is a folder; give the name of a file")
    if output.exists() and not output.is_file():
        raise OutputError(f"{output} is no ordinary file; give the name of one")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: the folder {folder} may not be written to; choose another")


def require_outputs(arguments: argparse.Namespace, outputs: Sequence[str]) -> None:
    """Make sure that every file to be written can be, and replaces none that is read.

    Args:
        outputs: the arguments that name files to write; every other path is read.

    Raises:
        OutputError: a file cannot be written there; names it, and what to do.
    """
    sources = list(_paths(arguments, vars(arguments).keys() - set(outputs)))
    for _, output in _paths(arguments, outputs):
        _require_writable(output)
        for name, source in sources:
            if _replaces(output, source):
                raise OutputError(
                    f"{output} would replace what is read ({name.replace('_', ' ')} {source}); "
                    "write to another file"
                )
