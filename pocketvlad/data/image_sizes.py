"""The sizes of a data set's images, found in a way that finds damaged files, too."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pocketvlad.data.dataset import DatasetError
from pocketvlad.data.images import ImageError, intact_size


def image_sizes(
    files: Sequence[Path],
    over: Callable[[Sequence[Path]], Iterator[Path]],
    upright: bool = False,
) -> dict[str, tuple[int, int]]:
    """(width, height) of each file in pixels, by its name without suffix.

    Args:
        over: yields the files that it is given, and may show how far that has come.
        upright: see `images.image_size`.

    Raises:
        DatasetError: files cannot be decoded to their end; names all of them.
    """
    sizes, faults = {}, {}
    for path in over(files):
        try:
            sizes[path.stem] = intact_size(path, upright)
        except ImageError as error:
            faults[path.stem] = str(error)
    if faults:
        raise DatasetError(
            f"{len(faults)} of {len(files)} images cannot be decoded:\n  "
            + "\n  ".join(faults.values())
            + "\nget them again, or name them under `leave_out` of the data set: "
            + f"[{', '.join(faults)}]"
        )
    return sizes
