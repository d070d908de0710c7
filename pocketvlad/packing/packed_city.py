"""Whether a folder may become a city, and what the one in it is like."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.format.city_manifest import FORMAT, MANIFEST
from pocketvlad.util.json_file import read_json

MADE_BY = "pocketvlad pack"
THUMBNAILS, LABELS = "thumbnails", "labels.json"
THUMBNAIL_DIGESTS = "thumbnails.json"
FACTS = "study"
"""The manifest's key of what a study says of the model; the page passes over it."""
_SNAKEMAKE = ".snakemake_timestamp"  # what it leaves in every folder that one of its rules makes


class CityError(ValueError):
    """A city cannot be packed there; names the folder and says what to do."""


@dataclass(frozen=True)
class PackedCity:
    """A city that `pack` has written.

    state: digest of what its calibration rests on.  calibration: as the manifest has it.  digests:
    SHA-256 of files by their names, as the manifest has them; none in an older city.  names: of
    all that is in the folder.
    """

    state: str
    calibration: dict[str, object] | None
    digests: Mapping[str, object]
    names: frozenset[str]


def packed_city(folder: Path) -> PackedCity | None:
    """The city in a folder; None where `pack` has written none there."""
    content = read_json(folder / MANIFEST) or {}
    match content:
        case {
            "format": format_,
            "made_by": made_by,
            "state": str(state),
            "calibration": None | dict() as calibration,
            "all": list(names),
        } if format_ == FORMAT and made_by == MADE_BY:
            digests = content.get("digests")
            held = digests if isinstance(digests, dict) else {}
            return PackedCity(state, calibration, held, frozenset(map(str, [MANIFEST, *names])))
    return None


def facts_of(folder: Path) -> Mapping[str, object]:
    """What a study has said of the model; nothing of a city that was packed by hand."""
    found = (read_json(folder / MANIFEST) or {}).get(FACTS)
    return found if isinstance(found, Mapping) else {}


def thumbnail_name(place: int) -> str:
    """Of a place by its number in the map, from 0."""
    return f"{place}.jpg"


def _is_thumbnail(path: Path) -> bool:
    number = path.stem
    return number.isdecimal() and path.name == thumbnail_name(int(number)) and path.is_file()


def require_room(folder: Path, photographs: Path) -> None:
    """Make sure that a city may be written to `folder`: before anything is computed.

    Args:
        folder: absolute, without links.
        photographs: the database.

    Raises:
        CityError: its parent is missing, it lies in the folder of the photographs or around it, or
            it holds what `pack` has not written.
    """
    if not folder.parent.is_dir():
        raise CityError(f"{folder}: there is no folder {folder.parent}; make it first")
    database = photographs.resolve()
    if folder.is_relative_to(database):
        raise CityError(
            f"{folder} lies in {photographs}, the photographs: thumbnails would be taken for some; "
            "write to a folder outside"
        )
    if database.is_relative_to(folder):
        raise CityError(
            f"{folder} holds {photographs}, the photographs, and would be replaced; write to "
            "another folder"
        )
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CityError(f"{folder} is no folder; name another, or remove it first")
    found = {path.name for path in folder.iterdir()} - {_SNAKEMAKE}
    if not found:
        return
    old = packed_city(folder)
    if old is None:
        raise CityError(
            f"{folder} is there already and is no city that `pack` has written; name another "
            "folder, or remove this one first"
        )
    strange = [folder / name for name in found - old.names]
    if (pictures := folder / THUMBNAILS).is_dir():
        strange += [path for path in pictures.iterdir() if not _is_thumbnail(path)]
    if strange:
        raise CityError(
            f"{min(strange)} is nothing that `pack` has written, and the folder would be "
            "replaced; move it elsewhere"
        )
