"""The map that a search keeps in the folder that it searches, so that each photograph is described
once."""

import hashlib
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pocketvlad.format.error import FormatError
from pocketvlad.maps.described_photographs import Describer
from pocketvlad.maps.journal import Journal, JournalError
from pocketvlad.maps.map_code import EXACT, code_named
from pocketvlad.maps.map_update import MapUpdate, Wishes
from pocketvlad.maps.photograph_map import journal_file
from pocketvlad.maps.place_map import MapError, PlaceMap, write_places
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.atomic import remove_unfinished
from pocketvlad.util.disk_space import DiskSpaceError
from pocketvlad.util.foreign import reason


def hidden_map(folder: Path, made_with: str) -> Path:
    """Where the map of this provenance lies: another model or image size has another."""
    digest = hashlib.sha256(made_with.encode()).hexdigest()
    return folder / f".pocketvlad-{digest[:16]}.pvmap"


@contextmanager
def folder_map(
    folder: Path, pictures: Mapping[str, Picture], describer: Describer
) -> Iterator[tuple[PlaceMap | None, list[str]]]:
    """(the map of a folder's photographs, what is wrong with those that it lacks)

    It has their descriptors as they are. It is brought up to date; one that is damaged is made
    anew. Where the folder may not be written to, nothing is kept.

    Args:
        pictures: by their paths within the folder.

    Yields:
        None in place of the map where no photograph is left.
    """
    path = hidden_map(folder, describer.made_with)
    with ExitStack() as stack:
        old = _kept(path, describer.made_with)
        if old is not None:
            stack.enter_context(old)
        update = MapUpdate(old, pictures, describer)
        journal = stack.enter_context(_journal(path, update, describer))
        try:
            update.describe(journal)
        except JournalError as error:
            if journal.path is None:
                raise
            _say(f"the index is not kept: {reason(error)}")
            journal = stack.enter_context(_elsewhere_from(journal, describer))
            update.describe(journal)
        found = path
        content = update.content(path, journal, Wishes(code_named(EXACT))) if update.keys else None
        if old is not None:
            old.close()  # Windows replaces no file that is open
        if content is not None:
            kept = journal.path is not None or not update.described
            found = path if kept and _wrote(path, content) else _elsewhere(stack, content)
        journal.remove()
        if update.keys:
            yield stack.enter_context(PlaceMap(found)), update.faults
        else:
            yield None, update.faults


def _kept(path: Path, made_with: str) -> PlaceMap | None:
    """The map that is kept; None where there is none of this provenance."""
    if not path.is_file():
        return None
    try:
        found = PlaceMap(path)
        found.require_made_with(made_with)
        found.verify()
    except (OSError, FormatError) as error:
        _say(f"the index {path} is damaged ({reason(error)}) and is made anew")
        return None
    except MapError:
        return None
    return found


def _journal(path: Path, update: MapUpdate, describer: Describer) -> Journal:
    """Beside the map, where something is to be described and that may be written to."""
    if update.described:
        try:
            journal = Journal(journal_file(path), describer.made_with, describer.length)
            remove_unfinished(path)
            return journal
        except (OSError, JournalError) as error:
            _say(f"the index is not kept: {reason(error)}")
    return Journal(None, describer.made_with, describer.length)


def _elsewhere_from(journal: Journal, describer: Describer) -> Journal:
    """What is kept so far, in a file that ends with the search; `journal` is removed."""
    spare = Journal(None, describer.made_with, describer.length)
    spare.take(journal)
    journal.remove()
    return spare


def _wrote(path: Path, content: dict) -> bool:
    try:
        write_places(path, **content)
    except (OSError, DiskSpaceError) as error:  # a folder that may not be written to, a full disk
        _say(f"the index is not kept: {reason(error)}")
        return False
    return True


def _elsewhere(stack: ExitStack, content: dict) -> Path:
    """A map that ends with the search."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    path = Path(folder) / "search.pvmap"
    write_places(path, **content)
    return path


def _say(text: str) -> None:
    warnings.warn(text, PhotographWarning, stacklevel=4)
