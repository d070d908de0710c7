"""Image files and folders as they are given on a command line, with what to call each image."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from pocketvlad.data.image_files import Found
from pocketvlad.data.image_listing import listing
from pocketvlad.retrieval.photograph_warning import PhotographWarning


def named_images(paths: Iterable[Path]) -> list[tuple[str, Path]]:
    """(name, file) of image files and of the images of folders, in the order of `listing`. An image
    of a folder is called by its path in it, any other as it is given.

    What a folder's walk passes over is warned of.

    Raises:
        ImageError: see `listing`.
    """
    named = []
    for path in paths:
        if not path.is_dir():
            named.append((str(path), path))
            continue
        found = listing(path)
        warn_passed_over(found)
        named += [(image.relative_to(path).as_posix(), image) for image in found.images]
    return named


def warn_passed_over(found: Found) -> None:
    """Warn of what a walk passed over, a line each."""
    for line in found.passed_over:
        warnings.warn(line, PhotographWarning, stacklevel=3)
