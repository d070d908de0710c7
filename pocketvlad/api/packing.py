"""A city as a folder of static files, which recognises itself in a browser."""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.api.defaults import SEED, Options
from pocketvlad.api.exporting import export
from pocketvlad.api.indexing import Indexed, index
from pocketvlad.api.model import Model
from pocketvlad.data.image_listing import images_in
from pocketvlad.format.city_manifest import MANIFEST
from pocketvlad.format.compressed_file import MAGIC, CompressedModel
from pocketvlad.format.error import FormatError
from pocketvlad.maps.map_positions import position_wish
from pocketvlad.maps.photograph_map import journal_file
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.packing.earlier_map import begin_map, habits_of
from pocketvlad.packing.packed_city import (
    FACTS,
    LABELS,
    MADE_BY,
    THUMBNAIL_DIGESTS,
    THUMBNAILS,
    packed_city,
    require_room,
)
from pocketvlad.packing.page_files import MOST_PIXELS, MOST_WEIGHTS, page_files
from pocketvlad.packing.part_sizes import PartSize, part_sizes, summed
from pocketvlad.packing.place_names import place_names
from pocketvlad.packing.threshold import Calibration, calibrate, calibration_of
from pocketvlad.packing.thumbnails import thumbnail_digests, unchanged, write_thumbnails
from pocketvlad.portable.city_folder import CityFolder, write_city_folder
from pocketvlad.portable.metadata import package_version
from pocketvlad.retrieval.photographs import at_size, model_sizing, photograph
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.checksum import file_digest
from pocketvlad.util.counted import counted
from pocketvlad.util.option_error import OptionError, require_option
from pocketvlad.util.shown import shown
from pocketvlad.util.whole_folder import replacing_folder


@dataclass(frozen=True)
class Packed:
    """What `pack` wrote.

    Attributes:
        folder: where the city lies.
        index: its map, see `pocketvlad.index`.
        named: of its places, those that have a name.
        calibration: from which similarity on a place is known, and what that rests on; None where
            the city has no two places, or no similarity tells them apart.
        parts: what its parts weigh.
    """

    folder: Path
    index: Indexed
    named: int
    calibration: Calibration | None
    parts: list[PartSize]

    @property
    def summary(self) -> str:
        """For people: a few lines and a table of the parts."""
        known = (
            "there are no two places that similarities tell apart, so that every picture is taken "
            "for a known one"
        )
        found = self.index
        lines = [
            f"{self.folder}: {counted(found.places, 'place')}, {found.described} described now, "
            f"{found.removed} removed; {self.named} with a name, "
            f"{'with' if found.located else 'without'} positions",
            self.calibration.words if self.calibration else known,
            f"{'':12}{'files':>7}{'bytes':>12}{'gzipped':>12}",
            *(
                f"{part.name:12}{part.files:>7}{part.bytes:>12,}{part.gzipped:>12,}"
                for part in [*self.parts, summed("all", self.parts)]
            ),
        ]
        return "\n".join([found.note, *lines] if found.note else lines)


def pack(
    model: Model,
    photographs: str | PathLike,
    folder: str | PathLike,
    *,
    labels: str | PathLike | Mapping[str, str] | None = None,
    title: str | None = None,
    code: str | None = None,
    positions: Mapping[str, tuple[float, float]] | str | PathLike | None = None,
    image_size: int | None = None,
    page: bool = True,
    facts: Mapping[str, object] | None = None,
    seed: int = SEED,
) -> Packed:
    """Make a city: a folder of static files with the model, the map of its places, and the page.

    Any static host serves it, and a browser recognises places there by itself (docs/city.md).
    `pocketvlad.load` takes it, too. A city that is there is brought up to date as `index` does it;
    it is replaced when the new one is whole. Photographs are described without `decoder_scaling`,
    whatever the model was evaluated with, since browsers cannot do that. Photographs that cannot
    be read are left out with a `PhotographWarning`.

    Args:
        model: a compressed one: the page decodes `.pvlad` files.
        photographs: a folder; images in its folders count, too.
        folder: the city; not there yet, empty, or an earlier city. It is no part of `photographs`.
        labels: what people call the places: a CSV with the columns `image` and `name`, or names by
            the images' paths within the folder. Photographs of one name show one place. Not every
            photograph needs one.
        title: what people call the city; None: the folder's name.
        code, positions: see `pocketvlad.index`. A city that is there is described anew where its
            code is another.
        image_size: pixels of the longest side; None: as the model was evaluated.
        page: whether the page and its runtime are put in.
        facts: what a study says of the model, for the manifest.
        seed: of all that is drawn at random. A city that is there gets the threshold of another
            seed; its map's code stays as it was learnt.

    Raises:
        CityError: the folder is something else, or lies in that of the photographs.
        FolderInUseError, JournalError: another run is packing it.
        PageError: the page is not built.
        PlaceNameError: labels are wrong; names the file and the line.
        FormatError: the model is not compressed, or has more weights than the page takes.
        OptionError, ImageError, MapError, PositionError, ImportError: see `pocketvlad.index`.
        VerificationError: see `pocketvlad.export`.
        OSError: the folder cannot be written.

    >>> import pocketvlad
    >>> model = pocketvlad.load("small.pvlad")
    >>> made = pocketvlad.pack(model, "holiday/", "packed", labels={"0": "Gate"}, page=False)
    >>> made.index.places, made.named
    (12, 1)
    >>> [part.name for part in made.parts]
    ['model', 'graph', 'map', 'names', 'thumbnails', 'manifest']
    >>> pocketvlad.load("packed").search("a.jpg", top=1)[0].path.name
    '0.jpg'
    """
    seed = require_option(Options, "seed", seed)
    target, database = Path(folder).resolve(), Path(photographs)
    require_room(target, database)
    shell = page_files() if page else []
    _require_readable(model, page)
    model = _for_browsers(model, image_size, page)
    images = [path.relative_to(database).as_posix() for path in images_in(database).images]
    named = {} if labels is None else place_names(_labels(labels), images, database)
    held = CityFolder(title=shown(target.name if title is None else title))
    old, habits = packed_city(target), habits_of(target / held.map)
    code = habits.code if code is None else code
    if positions is None and habits.positions is not None:
        files = {name: database / name for name in images}
        positions = position_wish(None, database, files).beside(habits.positions)
    with replacing_folder(target, [held.map, journal_file(Path(held.map)).name]) as made:
        export(model, made / held.graph, weights="outside")
        model.save(made / held.model)
        begin_map(made / held.map, target / held.map, model.provenance(), code)
        indexed = index(model, database, made / held.map, code=code, positions=positions, seed=seed)
        with PlaceMap(made / held.map) as places:
            files = list(places.file.all_names())
            names = [named.get(name) for name in files]
            known = unchanged(places, target, held.map, old.digests) if old else {}
            write_thumbnails(made / THUMBNAILS, [database / name for name in files], known)
            _write_list(made / THUMBNAIL_DIGESTS, thumbnail_digests(made / THUMBNAILS))
            _write_list(made / LABELS, names)
            state = _state(made, [held.model, held.map, LABELS], seed)
            same = old is not None and old.state == state
            calibration = calibration_of(old.calibration) if same else None
            if not same or (calibration is None and old.calibration is not None):
                calibration = _calibrated(places, database, names, model, seed)
        for path in shell:
            shutil.copyfile(path, made / path.name)
        held = replace(held, threshold=calibration and calibration.threshold)
        _write_manifest(made, held, state, calibration, facts)
        parts = part_sizes(
            {
                "model": [made / held.model],
                "graph": [made / held.graph, made / held.weights],
                "map": [made / held.map],
                "names": [made / LABELS],
                "thumbnails": sorted((made / THUMBNAILS).iterdir()),
                "manifest": [made / MANIFEST, made / THUMBNAIL_DIGESTS],
                "page": [made / path.name for path in shell],
            }
        )
    return Packed(Path(folder), indexed, sum(map(bool, names)), calibration, parts)


def _require_readable(model: Model, by_page: bool) -> None:
    """Raises FormatError where the model is not compressed, or too large for the page."""
    held = model.content
    with io.BytesIO(held) if isinstance(held, bytes) else open(held, "rb") as file:
        compressed = file.read(len(MAGIC)) == MAGIC
        file.seek(0)
        weights = CompressedModel(file).weights if compressed else 0
    if not compressed:
        raise FormatError(
            f"{model.name} is not compressed, and the page reads compressed models alone; make one "
            "with `pocketvlad compress`"
        )
    if by_page and weights > MOST_WEIGHTS:
        raise FormatError(
            f"{model.name} has {weights:,} weights, and the page takes {MOST_WEIGHTS:,} at most; "
            "take a smaller network, or pack without the page for searches in Python: --no-page "
            "(in Python, page=False)"
        )


def _for_browsers(model: Model, image_size: int | None, page: bool) -> Model:
    """The same, evaluated on images that the JPEG decoder has not halved: browsers cannot. Raises
    OptionError where the page would not take images so large."""
    sizing = replace(model_sizing(model.stored, image_size), decoder_scaling=False)
    if page and sizing.image_size > MOST_PIXELS:
        raise OptionError(
            "image_size",
            sizing.image_size,
            f"the page takes {MOST_PIXELS} pixels at most; give less, or pack without the page: "
            "--no-page (in Python, page=False)",
        )
    return replace(model, stored=at_size(model.stored, sizing))


def _labels(given: str | PathLike | Mapping[str, str]) -> Path | Mapping[str, str]:
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str | PathLike):
        remedy = "give a CSV file, or names by image"
        raise OptionError("labels", f"a {type(given).__name__}", remedy)
    return Path(given)


def _write_list(path: Path, values: Sequence[str | None]) -> None:
    path.write_text(json.dumps(values) + "\n", encoding="utf-8")


def _state(folder: Path, names: Sequence[str], seed: int) -> str:
    """A digest of all that a calibration rests on: some files, the version that reads them, and the
    seed."""
    digests = [file_digest(folder / name, "sha256") for name in names]
    return hashlib.sha256(" ".join([package_version(), *digests, str(seed)]).encode()).hexdigest()


def _calibrated(
    places: PlaceMap, database: Path, names: Sequence[str | None], model: Model, seed: int
) -> Calibration | None:
    min_side, sizing = model.stored.network.min_side, model_sizing(model.stored)
    describer = model.describer()

    def pictures(numbers: Sequence[int]) -> list[Picture]:
        files = [place for number in numbers for place in places.file.names(number, number + 1)]
        return [photograph(database / name, min_side, sizing) for name in files]

    def describe(asked: Sequence[Picture]) -> np.ndarray:
        rows = np.empty((len(asked), describer.length), np.float32)
        for numbers, found in describer.rows(asked):
            rows[numbers] = found
        return rows

    return calibrate(places, pictures, names, describe, min_side, seed)


def _write_manifest(
    folder: Path,
    held: CityFolder,
    state: str,
    calibration: Calibration | None,
    facts: Mapping[str, object] | None,
) -> None:
    more = {
        "made_by": MADE_BY,
        "page": {
            "thumbnails": THUMBNAILS,
            "thumbnail_digests": THUMBNAIL_DIGESTS,
            "labels": LABELS,
        },
        # By which the page tells files of this version from those of another.
        "digests": {
            name: file_digest(folder / name, "sha256")
            for name in sorted([*held.files.values(), LABELS, THUMBNAIL_DIGESTS])
        },
        "calibration": calibration and calibration.as_dict(),
        "state": state,
        "all": sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")),
        **({FACTS: facts} if facts else {}),
    }
    write_city_folder(folder, held, more)
