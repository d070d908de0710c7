"""The file that makes a folder a city: portable/city_folder.py writes and reads it."""

from pathlib import Path

from pocketvlad.util.json_file import read_json

MANIFEST = "city.json"
FORMAT = 1


def is_city(folder: Path) -> bool:
    """Whether a folder is a city that `pack` has made. Photographs may have a file of that name,
    too: what it says counts.

    Raises:
        OSError: the file cannot be read.
    """
    content = read_json(folder / MANIFEST)
    match content:
        case {"format": int(), "files": {"model": {}, "map": {}}}:
            return True
    return False
