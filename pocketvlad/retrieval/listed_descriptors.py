"""Descriptors of the images of a folder, whatever the file calls them, if it calls them anything.

Here names keep their folders: those of a database and of queries may differ by nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pocketvlad.data.image_listing import listing
from pocketvlad.data.image_names import NameIndex, full_path
from pocketvlad.data.positions import some
from pocketvlad.retrieval.descriptor_file import (
    DescriptorError,
    Descriptors,
    checked_names,
    checked_rows,
    read_content,
)
from pocketvlad.retrieval.descriptor_formats import Content
from pocketvlad.util.counted import counted
from pocketvlad.util.shown import shown


def _numbers(label: str, names: Sequence[str], wanted: Sequence[str], folder: Path) -> list[int]:
    """The rows of the images of a folder, in their order."""
    index = NameIndex(names)
    found = _found(index, wanted, folder)
    missing = [each for each, numbers in zip(wanted, found, strict=True) if not numbers]
    if missing:
        raise DescriptorError(
            f"{label}: {len(missing)} of {len(wanted)} images of {folder} have no descriptor: "
            f"{some(missing)}; describe every image, and name it by its path in the folder"
        )
    taken: dict[int, str] = {}
    for each, numbers in zip(wanted, found, strict=True):
        if len(numbers) > 1:
            several = some([names[number] for number in numbers])
            raise DescriptorError(
                f"{label}: the descriptor of {each} may be any of {several}; name images with "
                "their folders"
            )
        if (other := taken.setdefault(numbers[0], each)) != each:
            raise DescriptorError(
                f"{label}: {shown(names[numbers[0]])} may be the descriptor of {other} and of "
                f"{each}; describe both, and name images with their folders"
            )
    return [number for [number] in found]


def _found(index: NameIndex, wanted: Sequence[str], folder: Path) -> list[list[int]]:
    """Of each image of a folder, the rows that may be its.

    A file of a folder around it has the names of other images, too, and one of these may be called
    there as an image is within `folder`: `1.jpg` beside `database/1.jpg`. So names that begin with
    folders around it go first where all images have one. Where only some have, and they are no
    names of images within it, nobody knows which are meant.
    """
    inside = [_within(folder, each) for each in wanted]
    exact = [index.exactly(name) for name in inside]
    # As typed it may be the end of another one's. Typed as `.`, a folder has no name.
    typed = [index.exactly(image) if folder.parts else [] for image in wanted]
    longer = [
        own or index.find_longer(full_path(image), name.count("/"))
        for own, image, name in zip(typed, wanted, inside, strict=True)
    ]
    if all(longer):
        return longer
    of_others = {number for numbers in exact for number in numbers}
    return [
        [*numbers, *(each for each in more if each not in of_others)]
        if numbers
        else own or index.find(full_path(image))
        for numbers, more, own, image in zip(exact, longer, typed, wanted, strict=True)
    ]


def _within(folder: Path, image: str) -> str:
    return Path(image).relative_to(folder).as_posix()


def of_folder(
    source: Path | tuple[Sequence[str], np.ndarray], label: str, folder: Path | None, option: str
) -> Descriptors:
    """Descriptors with names that may have folders, in the order of the folder's listing, or of the
    file where there is no folder.

    Args:
        source: a file, or names [N] and rows [N, D].
        label: what messages call rows that are from no file.
        option: the one that gives the folder, for messages.

    Raises:
        DescriptorError: images have no descriptor, or names are needed and missing; and see
            `descriptor_file`.
        ImageError: the folder cannot be listed.
    """
    if isinstance(source, tuple):
        content = Content(np.asarray(source[0]), np.asarray(source[1]), None)
    else:
        label, content = str(source), read_content(source)
    names = None if content.names is None else checked_names(label, content.names)
    wanted = None if folder is None else [str(path) for path in listing(folder).images]
    if names is None:
        if wanted is None:
            raise DescriptorError(
                f"{label} has no names of images; give {option}, the folder whose images its rows "
                "are of, in the order of their paths"
            )
        count = len(content.rows) if content.rows.ndim else 0
        if count != len(wanted):
            raise DescriptorError(
                f"{label} has {counted(count, 'row')}, and {folder} "
                f"{counted(len(wanted), 'image')}; give the folder that was described, with no "
                "other images in it"
            )
        names = wanted
    elif len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise DescriptorError(f"{label}: {shown(twice)} is there more than once; leave one of each")
    rows = checked_rows(label, content.rows, names)
    if wanted is not None and names is not wanted:
        rows = rows[_numbers(label, names, wanted, folder)]
        names = wanted
    return Descriptors(label, names, names, rows, content.made)
