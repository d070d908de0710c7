"""The sizes of a data set's images, found in a way that finds damaged files, too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pocketvlad.data.image_file import ImageError
from pocketvlad.data.images import intact_size


def image_sizes(
    files: Mapping[str, Path],
    over: Callable[[Sequence[str]], Iterator[str]],
    upright: bool = False,
) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """(width, height) of each file in pixels, and what is wrong with those that cannot be decoded
    to their end; both by the images' names.

    Args:
        over: yields the names that it is given, and may show how far that has come.
        upright: see `images.image_size`.
    """
    sizes, faults = {}, {}
    for name in over(list(files)):
        try:
            sizes[name] = intact_size(files[name], upright)
        except ImageError as error:
            faults[name] = str(error)
    return sizes, faults
