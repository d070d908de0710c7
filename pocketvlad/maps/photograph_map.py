"""A folder's photographs as a map that is asked for: made, or brought up to date."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.maps.described_photographs import Describer
from pocketvlad.maps.journal import Journal
from pocketvlad.maps.map_code import Code
from pocketvlad.maps.map_update import MapUpdate, Wishes
from pocketvlad.maps.place_map import MapError, PlaceMap, require_code, write_places
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.atomic import remove_unfinished

_INSTEAD = "write to another file, or remove this one"


@dataclass(frozen=True)
class Outcome:
    """How many photographs were described now, and how many removed; what is wrong with those that
    are left out."""

    described: int
    removed: int
    faults: list[str]


def journal_file(path: Path) -> Path:
    """Where descriptors lie until the map `path` is written."""
    return path.with_name(f"{path.name}.unfinished")


def update_map(
    path: Path,
    pictures: Mapping[str, Picture],
    describer: Describer,
    wishes: Wishes,
    code: Code | None = None,
) -> Outcome:
    """Bring the map `path` up to date with a folder's photographs, or make it.

    A map that is there keeps its code as it was learnt. Until the new map is written, the old one
    stays, and descriptors lie in `journal_file(path)`: a killed run goes on with them.

    Args:
        pictures: by their paths within the folder.
        wishes: `code` and `training` there are those of a new map.
        code: what a map that is there must have; None: any.

    Raises:
        FormatError: the map that is there is damaged; names it.
        MapError: it was made by another model, preprocessing or size, or has another code; there
            are too few photographs for the code or the lists, or positions are missing.
        JournalError: another run is making it, or descriptors cannot be written.
        ImageError: a photograph cannot be described after all.
    """
    with ExitStack() as stack:
        # First of all: while it is open, no other run can make the map that is looked for here.
        journal = Journal(journal_file(path), describer.made_with, describer.length)
        stack.enter_context(journal)
        remove_unfinished(path)
        old = None
        if path.exists():
            old = stack.enter_context(PlaceMap(path))
            old.require_made_with(describer.made_with, _INSTEAD)
            _require_code_of(old, code)
        else:
            require_code(wishes.code, describer.length)
        update = MapUpdate(old, pictures, describer)
        update.locate(path, wishes.positions)
        update.require_lists(path, wishes)
        update.describe(journal)
        if not update.keys:
            raise MapError(f"{path}: no photograph is left that can be described; give some")
        update.require_lists(path, wishes)  # some may have been left out
        content = update.content(path, journal, wishes)
        if content is not None:
            if old is not None:
                old.close()  # Windows replaces no file that is open
            write_places(path, **content)
        journal.remove()
    return Outcome(update.described, update.removed, update.faults)


def _require_code_of(old: PlaceMap, code: Code | None) -> None:
    if code is not None and code != old.code.declared:
        raise MapError(
            f"{old.path} has the code {old.code.declared.short}, not {code.short}; {_INSTEAD}"
        )
