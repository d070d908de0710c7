"""Photographs of a folder as a map."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from pocketvlad.api.defaults import CODE, SEED, Options
from pocketvlad.api.maps import open_map
from pocketvlad.api.model import Model
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.map_positions import position_wish
from pocketvlad.maps.map_update import Wishes
from pocketvlad.maps.photograph_map import update_map
from pocketvlad.retrieval import photographs as describable
from pocketvlad.retrieval.photograph_warning import PhotographWarning
from pocketvlad.util.option_error import OptionError, require_option


@dataclass(frozen=True)
class Indexed:
    """What `index` did.

    Attributes:
        places: of the map.
        described: of these, those that were described now.
        removed: places of the map before that are photographs of the folder no more.
        code: as which bytes descriptors are kept, such as "int8".
        size: bytes of the file.
        located: whether the map knows where the photographs were taken.
        note: how positions were converted; None where they were not.
    """

    places: int
    described: int
    removed: int
    code: str
    size: int
    located: bool
    note: str | None


def index(
    model: Model,
    photographs: str | PathLike,
    file: str | PathLike,
    *,
    code: str | None = None,
    training: str | PathLike | None = None,
    lists: int | None = None,
    positions: Mapping[str, tuple[float, float]] | str | PathLike | None = None,
    image_size: int | None = None,
    squeeze: tuple[int, int] | None = None,
    seed: int = SEED,
) -> Indexed:
    """Make a map of a folder's photographs, or bring one up to date.

    A map that is there is brought up to date: photographs that are new or changed are described,
    the others are not, and those that are gone are removed. Its code stays as it was learnt. After
    a kill, the same call goes on where it was. Photographs that cannot be read are left out with a
    `PhotographWarning`.

    Args:
        photographs: a folder; images in its folders count, too.
        file: the `.pvmap` file.
        code: as which bytes descriptors are kept (docs/map.md), such as "pq32"; None: that of the
            map that is there, else "int8".
        training: a folder of photographs that the code of a new map is learnt from; None: those of
            the map.
        lists: of like places, so that a search compares a part of them; 0: it compares all. None:
            as in the map that is there, else 0.
        positions: where the photographs were taken: a CSV `image,easting,northing` or
            `image,latitude,longitude`; or easting and northing in metres by their paths within the
            folder; "names": their names say it, `@easting@northing@...@.jpg`; "none": none are
            kept. None: as in the map that is there, else as the names say if all of them do.
            Of all photographs or of none.
        image_size: pixels of the longest side; None: as the model was evaluated.
        squeeze: height and width of every image, its aspect not kept, in place of image_size.
        seed: of all that is drawn at random.

    Raises:
        OptionError: an option has an impossible value.
        ImageError: there is no usable photograph.
        FormatError: the map that is there is damaged; names it.
        MapError: the map that is there was made with another model, preprocessing, size of images
            or code; there are too few photographs for the code, or some have no position.
        PositionError: positions are missing or wrong; names the file and the line, or the names.
        ImportError: a CSV has degrees, and pyproj is not installed.
        JournalError: another run is making this map.

    >>> import pocketvlad
    >>> model = pocketvlad.load("small.pvlad")
    >>> made = pocketvlad.index(model, "holiday/", "new.pvmap", code="int8")
    >>> made.places, made.described, made.removed
    (12, 12, 0)
    >>> pocketvlad.index(model, "holiday/", "new.pvmap").described
    0

    Of photographs whose names have positions:

    >>> pocketvlad.index(model, "places/database", "places.pvmap").located
    True
    >>> model.search("a.jpg", "places.pvmap", top=1)[0].position
    (548000.0, 4180000.0)
    """
    seed = require_option(Options, "seed", seed)
    if lists is not None:
        require_option(Options, "lists", lists)
    try:
        wanted = None if code is None else code_named(code)
    except ValueError as error:
        raise OptionError("code", code, str(error)) from None
    sizing = describable.model_sizing(model.stored, image_size, squeeze)
    folder = Path(photographs)
    found = describable.photographs(folder, model.stored, sizing)
    at = position_wish(positions, folder, found.files)
    faults, learnt_from = found.faults, None
    if training is not None and Path(file).exists():
        warnings.warn(
            f"{file} keeps its code as it was learnt: the photographs in {training} are not used",
            PhotographWarning,
            stacklevel=2,
        )
    elif training is not None:
        usable = describable.photographs(Path(training), model.stored, sizing)
        learnt_from, faults = list(usable.pictures.values()), faults + usable.faults
    outcome = update_map(
        Path(file),
        found.pictures,
        model.describer(image_size, squeeze),
        Wishes(wanted or code_named(CODE), learnt_from, lists, at, seed),
        wanted,
    )
    describable.warn_left_out(faults + outcome.faults)
    with open_map(file) as made:
        return Indexed(
            made.places,
            outcome.described,
            outcome.removed,
            made.code,
            made.size,
            made.located,
            at.note,
        )
