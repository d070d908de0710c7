"""Small pictures of places, which the page shows beside a query."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PIL import Image

from pocketvlad.data.images import load_image
from pocketvlad.data.settings import Sizing
from pocketvlad.format.map_layout import STAMPS
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.packing.packed_city import THUMBNAIL_DIGESTS, THUMBNAILS, thumbnail_name
from pocketvlad.util.checksum import file_digest
from pocketvlad.util.progress import progress_over
from pocketvlad.util.whole_file import picture_bytes

_SIZING = Sizing(320, "lanczos")
_QUALITY = 75


def unchanged(
    places: PlaceMap, folder: Path, map_name: str, digests: Mapping[str, object]
) -> dict[int, Path]:
    """Thumbnails of the city in `folder` that are still right, by the place in `places`; none where
    its map or its list of digests is not the one that its manifest names.

    Args:
        digests: of its files by their names, as its manifest has them.
    """
    try:
        for name in (map_name, THUMBNAIL_DIGESTS):
            if file_digest(folder / name, "sha256") != digests.get(name):
                return {}
        listed = json.loads((folder / THUMBNAIL_DIGESTS).read_text(encoding="utf-8"))
        with PlaceMap(folder / map_name) as before:
            numbers = {key: number for number, key in enumerate(_keys(before))}
    except (ValueError, OSError):
        return {}
    found = {
        number: numbers[key]
        for number, key in enumerate(_keys(places))
        if key in numbers and numbers[key] < len(listed)
    }
    paths = {number: folder / THUMBNAILS / thumbnail_name(old) for number, old in found.items()}
    return {
        number: path
        for number, path in paths.items()
        if path.is_file() and file_digest(path, "sha256") == listed[found[number]]
    }


def _keys(places: PlaceMap) -> list[tuple[str, bytes]]:
    """Name and stamp of each photograph; none where the map has no stamps."""
    if not places.stamped:
        return []
    stamps = places.file.whole(STAMPS)
    return [
        (name, stamp.tobytes()) for name, stamp in zip(places.file.all_names(), stamps, strict=True)
    ]


def thumbnail_digests(folder: Path) -> list[str]:
    """SHA-256 of each thumbnail by place, hexadecimal."""
    count = sum(1 for _ in folder.iterdir())
    return [file_digest(folder / thumbnail_name(place), "sha256") for place in range(count)]


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
        coding = {"quality": _QUALITY, "optimize": True, "progressive": True}
        file.write_bytes(picture_bytes(partial(picture.save, format="JPEG", **coding)))
