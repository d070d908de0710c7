"""A folder's images, as they are found, or in the order in which the field's programs read them.

That is the order of their paths as text, "a-b/1.jpg" before "a/1.jpg"; or that of the file
`FOLDER_images_paths.txt` beside the folder, which lists paths in it. Rows of descriptors without
names are in this order.
"""

import os
from pathlib import Path

from pocketvlad.data.image_file import ImageError
from pocketvlad.data.image_files import Found, walk
from pocketvlad.data.image_names import SUFFIXES
from pocketvlad.util.counted import counted
from pocketvlad.util.shown import shown
from pocketvlad.util.text_file import LINE_END, read_text

_LIST = "_images_paths.txt"
_REMEDY = "correct the list, or remove it, and the folder itself is read"


def _listed(folder: Path, file: Path) -> Found:
    lines: dict[Path, int] = {}
    for number, line in enumerate(LINE_END.split(read_text(file, ImageError)), start=1):
        if not line:
            continue
        path, place = Path(line), f"{file}, line {number}"
        if path.anchor or ".." in path.parts:
            raise ImageError(
                f"{place}: {shown(line)} is no path within {folder}; write paths from that folder "
                f"on, without `..`; {_REMEDY}"
            )
        if (first := lines.setdefault(path, number)) != number:
            raise ImageError(f"{place}: {shown(line)} is in line {first} already; {_REMEDY}")
        image = folder / path
        if not os.path.isfile(image):  # also where no file may have such a name
            fault = "no file" if os.path.exists(image) else "missing"
            raise ImageError(f"{place}: {shown(image)} is {fault}; {_REMEDY}")
    return Found([folder / path for path in lines])


def images_in(folder: Path, listed: Path | None = None) -> Found:
    """The images in `folder` and the folders in it, see `image_files.walk`.

    Args:
        listed: a file that lists paths in it, which are then its images, in that order.

    Raises:
        ImageError: it is no folder, there is no image in it, or the list names what is missing, not
            within the folder, or there twice.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder} is not a folder; give the one that holds the photographs")
    found = _listed(folder, listed) if listed else walk(folder)
    if not found.images:
        faults = "".join(f"; {line}" for line in found.passed_over)
        raise ImageError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))}){faults}")
    return found


def listing(folder: Path) -> Found:
    """The images in `folder` and the folders in it, in that order, and what was passed over.

    Raises:
        ImageError: see `images_in`.
    """
    # A folder may be typed without its name, as `.` or `..`.
    place = folder.absolute() if folder.name not in ("", "..") else folder.resolve()
    file = place.parent / f"{place.name}{_LIST}"
    if place.name and file.is_file():  # the root has none
        return images_in(folder, file)
    found = images_in(folder)
    found.images.sort(key=lambda path: path.relative_to(folder).as_posix())
    return found


def require_apart(database: Path, queries: Path, images: Found, asked: Found) -> None:
    """Make sure that no image is in both of two folders: it would be found at once.

    Args:
        images, asked: what the folders hold.

    Raises:
        ImageError: there is one; names both folders and the image.
    """
    known = {path.resolve() for path in images.images}
    both = [path for path in asked.images if path.resolve() in known]
    if both:
        raise ImageError(
            f"{database} and {queries} overlap: {counted(len(both), 'image')} in both, "
            f"{shown(both[0])} for one; give two folders, neither in the other"
        )
