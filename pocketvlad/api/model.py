"""A model as its users hold it: photographs in, descriptors and answers out."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.api.answers import Answer, Answers
from pocketvlad.api.defaults import ANSWERS, PROBES, Options
from pocketvlad.api.maps import Map, open_map
from pocketvlad.data.images import Box, ImageError
from pocketvlad.data.settings import Sizing
from pocketvlad.networks import model as stored_model
from pocketvlad.networks.device import run_on
from pocketvlad.networks.settings import DEVICES
from pocketvlad.retrieval import describe as describing
from pocketvlad.retrieval.described_photographs import Describer
from pocketvlad.retrieval.folder_map import folder_map
from pocketvlad.retrieval.photographs import (
    decodable,
    model_sizing,
    photograph,
    warn_left_out,
)
from pocketvlad.retrieval.photographs import photographs as usable_photographs
from pocketvlad.retrieval.provenance import provenance
from pocketvlad.util.atomic import replacing
from pocketvlad.util.checksum import file_digest
from pocketvlad.util.option_error import OptionError, require_option


@dataclass(frozen=True, eq=False)
class Model:
    """A network that describes photographs, and the file that it was read from.

    Attributes:
        stored: the network, its preprocessing, and how it was made.
        name: what messages call it.
        sha256: of its file, hexadecimal.
        content: the file's bytes, or where the file lies.
    """

    stored: stored_model.Model
    name: str
    sha256: str
    content: bytes | Path

    @property
    def length(self) -> int:
        """How many numbers a descriptor has, D."""
        return self.stored.network.architecture.length

    @property
    def size(self) -> int:
        """Bytes of the file."""
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        return len(self.content)

    def provenance(self, image_size: int | None = None) -> str:
        """What descriptors are made with, as JSON. They can be compared where it is equal."""
        sizing = model_sizing(self.stored, image_size)
        return provenance(self.sha256, self.stored.preprocessing, sizing)

    def describe(
        self, photographs: Sequence[str | PathLike], *, image_size: int | None = None
    ) -> np.ndarray:
        """Describe photographs, each turned as its camera was held.

        Args:
            photographs: N image files.
            image_size: pixels of the longest side; None: as the model was evaluated.

        Returns:
            [N, D] float32 of unit length, in the order of the files. The product of two rows is
            the cosine of two photographs.

        Raises:
            ImageError: a file is no image, is damaged, or is too small for the network; names it.
            OptionError: the image size is not above 0, or is needed.

        >>> import pocketvlad
        >>> model = pocketvlad.load("small.pvlad")
        >>> rows = model.describe(["a.jpg", "b.jpg"])
        >>> rows.shape, rows.dtype
        ((2, 8), dtype('float32'))
        >>> f"{rows[0] @ rows[0]:.3f}"
        '1.000'
        """
        if isinstance(photographs, str | PathLike):
            raise TypeError(f"photographs={photographs!r} is one file; give a list of files")
        sizing = model_sizing(self.stored, image_size)
        pictures = [photograph(Path(file), self.stored, sizing) for file in photographs]
        return self._rows(pictures, sizing, "describe")

    def usable(
        self, photographs: Sequence[str | PathLike], *, image_size: int | None = None
    ) -> list[Path]:
        """Those of the files that `describe` can describe, in their order.

        The others are left out with a `PhotographWarning`.

        Args:
            photographs, image_size: see `describe`.

        Raises:
            ImageError: there is none; says what is wrong with the first.

        >>> import pocketvlad
        >>> [path.name for path in pocketvlad.load("small.pvlad").usable(["a.jpg", "b.jpg"])]
        ['a.jpg', 'b.jpg']
        """
        sizing = model_sizing(self.stored, image_size)
        good, faults = [], []
        for path in map(Path, photographs):
            try:
                fault = decodable(photograph(path, self.stored, sizing), sizing)
            except ImageError as error:
                fault = str(error)
            if fault:
                faults.append(fault)
            else:
                good.append(path)
        if faults and not good:
            raise ImageError(faults[0])
        warn_left_out(faults)
        return good

    def search(
        self,
        query: str | PathLike,
        database: str | PathLike | Map,
        *,
        box: Box | None = None,
        top: int = ANSWERS,
        image_size: int | None = None,
        photographs: str | PathLike | None = None,
        probes: int = PROBES,
    ) -> Answers:
        """Find the photographs of a folder or a map that show the same place as a query.

        A folder is described once. Its map is kept in a hidden file in it, and only what is new or
        changed is described again. Photographs that cannot be read are left out with a
        `PhotographWarning`.

        Args:
            query: an image file.
            database: a folder of photographs, those in its folders count, too; or a `.pvmap` file,
                or one that `open_map` has opened.
            box: (x1, y1, x2, y2) in pixels, the part of the query that counts; None: all of it.
            top: how many answers at most.
            image_size: see `describe`.
            photographs: the folder of a map's photographs, before the paths of answers; None: paths
                are those within that folder.
            probes: lists of a map that are searched, where it has lists.

        Returns:
            the answers, the most similar first.

        Raises:
            ImageError: the query cannot be described, the box lies beside it, or the folder has
                no usable photograph; names the file.
            FormatError: the map is damaged; names it.
            MapError: the map was made with another model, preprocessing or size of images.
            OptionError: an option has an impossible value.

        >>> import pocketvlad
        >>> model = pocketvlad.load("small.pvlad")
        >>> answers = model.search("a.jpg", "holiday/", top=3)
        >>> [answer.path.name for answer in answers]
        ['0.jpg', '1.jpg', '9.jpg']
        >>> f"{answers[0].similarity:.2f}"
        '1.00'
        >>> [str(answer.path) for answer in model.search("a.jpg", "holiday.pvmap", top=2)]
        ['0.jpg', '1.jpg']
        """
        require_option(Options, "top", top)
        require_option(Options, "probes", probes)
        sizing = model_sizing(self.stored, image_size)
        wanted = photograph(Path(query), self.stored, sizing, box)
        with ExitStack() as stack:
            places, before = database, Path(photographs or "")
            if not isinstance(database, Map) and _is_file(Path(database)):
                places = stack.enter_context(open_map(database))
            if isinstance(places, Map):
                places.require_made_with(self.provenance(image_size))
            else:
                before = Path(database)
                found, faults = usable_photographs(before, self.stored, sizing)
            row = self._rows([wanted], sizing, "query")[0]
            if not isinstance(places, Map):
                kept, more = stack.enter_context(
                    folder_map(before, found, self.describer(image_size))
                )
                warn_left_out(faults + more)
                if kept is None:
                    raise ImageError(f"{database}: none of its images can be described")
                places = Map(kept)
            answers = [
                Answer(before / name, similarity, position)
                for name, similarity, position in places.nearest(row, top, probes)
            ]
        return Answers(wanted, tuple(answers))

    def describer(self, image_size: int | None = None) -> Describer:
        """What describes the photographs of a map.

        Args:
            image_size: see `describe`.
        """
        stored, sizing = self.stored, model_sizing(self.stored, image_size)
        return Describer(
            self.provenance(image_size),
            self.length,
            lambda pictures: describing.described(
                stored.network, pictures, sizing, stored.preprocessing
            ),
            lambda picture: decodable(picture, sizing),
        )

    def save(self, file: str | PathLike) -> None:
        """Write the model's file; whole or not at all.

        Raises:
            OSError: it cannot be written, or the file that the model was loaded from has been
                changed since.

        >>> import pocketvlad
        >>> pocketvlad.load("small.pvlad").save("copy.pvlad")
        >>> pocketvlad.load("copy.pvlad").length
        8
        """
        with replacing(Path(file)) as unfinished:
            if isinstance(self.content, Path):
                shutil.copyfile(self.content, unfinished)
            else:
                unfinished.write_bytes(self.content)
            if file_digest(unfinished, "sha256") != self.sha256:
                raise OSError(f"{self.content} has been changed since it was loaded; load it again")

    def _rows(
        self, pictures: Sequence[describing.Picture], sizing: Sizing, label: str
    ) -> np.ndarray:
        stored = self.stored
        return describing.describe(
            stored.network, pictures, sizing, stored.preprocessing, label=label
        )


def _is_file(database: Path) -> bool:
    """Whether it is a map, or was meant to be one."""
    return not database.is_dir() and (database.is_file() or database.suffix == ".pvmap")


def load(file: str | PathLike, *, device: str = "auto") -> Model:
    """Load a model, compressed (`.pvlad`) or not (`.safetensors`).

    Args:
        device: "cpu", "cuda", or "auto": a GPU where there is one.

    Raises:
        FormatError: the file is damaged or is no model; names the file and the fault.
        OSError: it cannot be read.
        OptionError: the device is none of these.
        DeviceError: "cuda" without a GPU.

    >>> import pocketvlad
    >>> model = pocketvlad.load("small.pvlad")
    >>> model.length
    8
    """
    if device not in DEVICES:
        raise OptionError("device", device, f"choose among {', '.join(DEVICES)}")
    path = Path(file).absolute()
    stored = stored_model.read_model(Path(file))
    run_on(stored.network, device, "float32")
    return Model(stored, str(file), file_digest(path, "sha256"), path)
