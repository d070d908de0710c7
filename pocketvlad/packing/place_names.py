"""What people call the places of photographs: a table `image,name`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pocketvlad.data.csv_file import csv_lines, separator_hint
from pocketvlad.data.image_names import NameIndex, full_path
from pocketvlad.data.positions import some
from pocketvlad.util.counted import counted
from pocketvlad.util.shown import shown

COLUMNS = ("image", "name")


class PlaceNameError(ValueError):
    """Names of places are missing or wrong; the message says where."""


def place_names(
    source: Path | Mapping[str, str], images: Sequence[str], folder: Path
) -> dict[str, str]:
    """The name of the place that an image shows, by image. Images need not have one.

    Args:
        source: a CSV with the columns `image` and `name`, others among them; or names by image. An
            image may be written with fewer folders than in `images`, or without its suffix, as long
            as it means one.
        images: paths within the folder.

    Raises:
        PlaceNameError: a column is missing, a table has no rows, a row names no image or several,
            an image has two names, or a name is empty or no text; names file and line.

    >>> place_names({"gate/1": "Gate"}, ["gate/1.jpg", "hall/1.jpg"], Path("holiday"))
    {'gate/1.jpg': 'Gate'}
    """
    rows = _named(source) if isinstance(source, Mapping) else _rows(source)
    index = NameIndex(images, [full_path(folder / image) for image in images])
    found, first = {}, {}
    for place, image, name in rows:
        if not image or not name:
            raise PlaceNameError(f"{place}: {'a name' if image else 'an image'} is empty; write it")
        meant = index.find(image)
        if not meant:
            raise PlaceNameError(
                f"{place}: {shown(image)} is no image of {folder}; correct the name, or remove it"
            )
        if len(meant) > 1:
            raise PlaceNameError(
                f"{place}: {shown(image)} may be any of {some([images[each] for each in meant])}; "
                "write as many of the folders before it as tell them apart"
            )
        [known] = (images[each] for each in meant)
        if known in found:
            raise PlaceNameError(
                f"{place}: {shown(known)} has the name {shown(found[known])} already "
                f"({first[known]}); leave one of them"
            )
        found[known], first[known] = name, place
    return found


def _named(names: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """(place for messages, image, name) of every entry."""
    for image, name in names.items():
        place = f"labels, {shown(image)}"
        for each in (image, name):
            if not isinstance(each, str):
                raise PlaceNameError(f"{place}: {each!r} is no text; write an image and its name")
        yield place, image, name


def _rows(path: Path) -> Iterable[tuple[str, str, str]]:
    """(file and line, image, name) of every row."""
    lines = csv_lines(path, PlaceNameError)
    head = lines[0][1] if lines else []
    if any(head.count(column) != 1 for column in COLUMNS):
        raise PlaceNameError(
            f"{path} has the columns {shown(','.join(head))}; write {','.join(COLUMNS)}, each once"
            f"{separator_hint(head)}"
        )
    at = [head.index(column) for column in COLUMNS]
    if len(lines) == 1:
        raise PlaceNameError(
            f"{path} has no rows: no place has a name; write some, or give no table"
        )
    for number, cells in lines[1:]:
        place = f"{path}, line {number}"
        if len(cells) != len(head):
            raise PlaceNameError(
                f"{place}: {counted(len(cells), 'cell')}, {len(head)} expected "
                f"({shown(','.join(head))}); put a name with a comma in quotes"
            )
        yield place, *(cells[column] for column in at)
