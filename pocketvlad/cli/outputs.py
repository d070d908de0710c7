"""Whether what a verb is to write can be written: asked before anything is computed."""

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pocketvlad.cli.earlier_outputs import is_earlier_output
from pocketvlad.data.image_files import find_images
from pocketvlad.data.image_names import is_image_name

_LISTS = (".txt",)  # of an official ground truth


class OutputError(ValueError):
    """A file cannot be written where it is to be, or would replace or become one that is read."""


def _paths(arguments: argparse.Namespace, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for name in names:
        value = getattr(arguments, name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Path):
                yield name, each


def _changes(output: Path, source: Path) -> bool:
    """Whether writing `output` would change what is read of `source`, a file or a folder: also the
    first time, for the next command would read it there."""
    if source.is_dir():
        read = is_image_name(output) or output.suffix.lower() in _LISTS
        return read and _is_within(output, source)
    return output.exists() and source.exists() and output.samefile(source)


def _is_within(output: Path, folder: Path) -> bool:
    """Whether a file is or will be read of a folder: it lies there, or a link in it leads there."""
    if output.absolute().is_relative_to(folder.absolute()):
        return True
    if output.resolve().is_relative_to(folder.resolve()):
        return True
    if not is_image_name(output):
        return False
    images = find_images(folder)
    if output.exists():
        return any(map(output.samefile, images))
    return any(map(output.parent.samefile, {image.parent for image in images}))


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


def _require_own_kind(output: Path, suffixes: Sequence[str]) -> None:
    """A name is of a kind the first time, so that the same command may write it again: what is
    there then is an earlier output, not the first photograph of `-o *.jpg`. Without a suffix, what
    is there says of which kind it is."""
    if output.suffix.lower() in suffixes:
        return
    if not output.suffix and (not output.exists() or is_earlier_output(output, suffixes[0])):
        return
    kind = f"no {' or '.join(suffixes)} file"
    if output.exists():
        raise OutputError(
            f"{output} is there already and is {kind}; write to another file, or remove it first"
        )
    raise OutputError(f"{output} is {kind} by its name; call it {output.name}{suffixes[0]}")


def require_outputs(arguments: argparse.Namespace, outputs: Mapping[str, Sequence[str]]) -> None:
    """Make sure that every file to be written can be, replaces no other file than an earlier
    output, and becomes no part of a folder that is read.

    Args:
        outputs: the arguments that name files to write, each with the suffixes that these have,
            first that of the format of files without one; every other path is read. Without
            suffixes it is a folder, which the verb looks at.

    Raises:
        OutputError: a file cannot be written there; names it, and what to do.
    """
    sources = list(_paths(arguments, vars(arguments).keys() - set(outputs)))
    for argument, output in _paths(arguments, [name for name in outputs if outputs[name]]):
        _require_writable(output)
        for name, source in sources:
            if _changes(output, source):
                what, remedy = "replace", "to another file"
                if not output.exists():
                    what, remedy = "become a part of", "outside that folder"
                raise OutputError(
                    f"{output} would {what} what is read ({name.replace('_', ' ')} {source}); "
                    f"write {remedy}"
                )
        _require_own_kind(output, outputs[argument])
