"""Small pictures of places, which the page shows beside a query."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from pocketvlad.data.images import load_image
from pocketvlad.data.settings import Sizing
from pocketvlad.format.map_layout import STAMPS
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.util.progress import progress_over

_SIZING = Sizing(320, "lanczos")
_QUALITY = 75


def thumbnail_name(place: int) -> str:
    """Of a place by its number in the map, from 0."""
    return f"{place}.jpg"


def unchanged(places: PlaceMap, old: PlaceMap, folder: Path) -> dict[int, Path]:
    """Thumbnails in `folder`, of the map `old`, that are still right, by the place in `places`."""
    if not (places.stamped and old.stamped):
        return {}
    before = {key: number for number, key in enumerate(_keys(old))}
    found = {
        number: folder / thumbnail_name(before[key])
        for number, key in enumerate(_keys(places))
        if key in before
    }
    return {number: path for number, path in found.items() if path.is_file()}


def _keys(places: PlaceMap) -> list[tuple[str, bytes]]:
    stamps = places.file.whole(STAMPS)
    return [
        (name, stamp.tobytes()) for name, stamp in zip(places.file.all_names(), stamps, strict=True)
    ]


def write_thumbnails(
    folder: Path, photographs: Sequence[Path], known: Mapping[int, Path] | None = None
) -> None:
    """Write a JPEG of 320 pixels on the longest side for each photograph, upright.

    Nothing but pixels goes into it: neither time nor position that the camera has noted.

    Args:
        folder: to be made.
        photographs: by place.
        known: thumbnails by place, which are copied.

    Raises:
        ImageError: a photograph cannot be decoded any more; names it.
    """
    folder.mkdir()
    known = known or {}
    for place in progress_over("thumbnails", "image")(range(len(photographs))):
        file = folder / thumbnail_name(place)
        if place in known:
            shutil.copyfile(known[place], file)
            continue
        picture = Image.fromarray(load_image(photographs[place], _SIZING, upright=True))
        picture.save(file, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
