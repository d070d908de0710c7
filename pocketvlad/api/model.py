"""A model as its users hold it: photographs in, descriptors and answers out."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.api.answers import Answer, Answers
from pocketvlad.api.arguments import as_box, listed, require_device, require_of_map
from pocketvlad.api.defaults import ANSWERS, BACKEND, PROBES, RADIUS, RECALL_VALUES, Options
from pocketvlad.api.maps import Map, open_map
from pocketvlad.api.recall import RecallEvaluation, require_recall_options, score_places
from pocketvlad.data.image_listing import listing, require_apart
from pocketvlad.data.images import Box, ImageError
from pocketvlad.data.settings import Sizing
from pocketvlad.maps.described_photographs import Describer
from pocketvlad.maps.folder_map import folder_map
from pocketvlad.networks import model as stored_model
from pocketvlad.portable import backend as backends
from pocketvlad.portable.backend import Describing
from pocketvlad.retrieval import describe as describing
from pocketvlad.retrieval.descriptor_file import (
    has_names,
    require_format,
    require_names,
    write_descriptors,
)
from pocketvlad.retrieval.located import Images, locate
from pocketvlad.retrieval.named_images import named_images, warn_passed_over
from pocketvlad.retrieval.photographs import (
    decodable,
    model_sizing,
    photograph,
    warn_left_out,
)
from pocketvlad.retrieval.photographs import photographs as usable_photographs
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.provenance import provenance
from pocketvlad.util.atomic import replacing
from pocketvlad.util.checksum import file_digest
from pocketvlad.util.counted import counted
from pocketvlad.util.disk_space import require_space
from pocketvlad.util.option_error import OptionError, require_option


@dataclass(frozen=True, eq=False)
class Model:
    """A network that describes photographs, and the file that it was read from.

    Attributes:
        stored: the network, its preprocessing, and how it was made.
        name: what messages call it.
        sha256: of its file, hexadecimal.
        content: the file's bytes, or where the file lies.
        by: what computes descriptors.
    """

    stored: stored_model.Model
    name: str
    sha256: str
    content: bytes | Path
    by: Describing

    @property
    def length(self) -> int:
        """How many numbers a descriptor has, D."""
        return self.stored.network.architecture.length

    @property
    def _min_side(self) -> int:
        return self.stored.network.min_side

    @property
    def size(self) -> int:
        """Bytes of the file."""
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        return len(self.content)

    def provenance(
        self, image_size: int | None = None, squeeze: tuple[int, int] | None = None
    ) -> str:
        """What descriptors are made with, as JSON. They can be compared where it is equal."""
        sizing = model_sizing(self.stored, image_size, squeeze)
        return provenance(self.sha256, self.stored.preprocessing, sizing)

    def describe(
        self,
        photographs: Sequence[str | PathLike],
        *,
        image_size: int | None = None,
        squeeze: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Describe photographs, each turned as its camera was held.

        Args:
            photographs: N image files.
            image_size: pixels of the longest side; None: as the model was evaluated.
            squeeze: height and width of every image, its aspect not kept, in place of image_size.

        Returns:
            [N, D] float32 of unit length, in the order of the files. The product of two rows is
            the cosine of two photographs.

        Raises:
            ImageError: a file is no image, is damaged, or is too small for the network; names it.
            OptionError: the image size is impossible, or is needed.

        >>> import pocketvlad
        >>> model = pocketvlad.load("small.pvlad")
        >>> rows = model.describe(["a.jpg", "b.jpg"])
        >>> rows.shape, rows.dtype
        ((2, 8), dtype('float32'))
        >>> f"{rows[0] @ rows[0]:.3f}"
        '1.000'
        """
        files = listed(photographs)
        sizing = model_sizing(self.stored, image_size, squeeze)
        if not files:
            return np.empty((0, self.length), np.float32)
        pictures = [photograph(file, self._min_side, sizing) for file in files]
        return self._rows(pictures, sizing, "describe")

    def usable(
        self,
        photographs: Sequence[str | PathLike],
        *,
        image_size: int | None = None,
        squeeze: tuple[int, int] | None = None,
    ) -> list[Path]:
        """Those of the files that `describe` can describe, in their order.

        The others are left out with a `PhotographWarning`.

        Args:
            photographs, image_size, squeeze: see `describe`.

        Raises:
            ImageError: there is none; says what is wrong with the first.

        >>> import pocketvlad
        >>> [path.name for path in pocketvlad.load("small.pvlad").usable(["a.jpg", "b.jpg"])]
        ['a.jpg', 'b.jpg']
        """
        sizing = model_sizing(self.stored, image_size, squeeze)
        files = listed(photographs)
        found = [self._fault(path, sizing) for path in files]
        good = [path for path, fault in zip(files, found, strict=True) if fault is None]
        faults = [fault for fault in found if fault is not None]
        if faults and not good:
            raise ImageError(faults[0])
        warn_left_out(faults)
        return good

    def write_descriptors(
        self,
        photographs: Sequence[str | PathLike],
        file: str | PathLike,
        *,
        image_size: int | None = None,
        squeeze: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Describe photographs into a file, whole or not at all; its suffix is its format.

        Those that cannot be described are left out with a `PhotographWarning`. A format without
        names (.npy) has no place for a gap: there they are an error.

        Args:
            photographs: image files, and folders of them. An image of a folder is called by its
                path in it, any other as it is given.
            file: .npz, .h5 or .npy, see docs/interoperate.md.
            image_size, squeeze: see `describe`.

        Returns:
            [N, D] what was written.

        Raises:
            ImageError: see `describe` and `usable`; or a folder has no image.
            DescriptorError: no format has this suffix, it cannot have these names, or two images
                have one.
            ImportError: the format needs a package that is not installed.
            DiskSpaceError: there is no room for the file.

        >>> import pocketvlad
        >>> model = pocketvlad.load("small.pvlad")
        >>> model.write_descriptors(["places/database"], "database.npz").shape
        (6, 8)
        """
        output = Path(file)
        require_format(output)
        named = named_images(listed(photographs))
        require_names(output, [name for name, _ in named])
        size = {"image_size": image_size, "squeeze": squeeze}
        if has_names(output):
            good = set(self.usable([path for _, path in named], **size))
            named = [(name, path) for name, path in named if path in good]
        require_space(output.parent, 4 * self.length * len(named), f"writing {output}")
        rows = self.describe([path for _, path in named], **size)
        write_descriptors(output, [name for name, _ in named], rows, self.provenance(**size))
        return rows

    def search(
        self,
        query: str | PathLike,
        database: str | PathLike | Map,
        *,
        box: Box | None = None,
        top: int = ANSWERS,
        image_size: int | None = None,
        squeeze: tuple[int, int] | None = None,
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
            image_size, squeeze: see `describe`; of a map, those that it was made with.
            photographs: the folder of a map's photographs, before the paths of answers; None: paths
                are those within that folder.
            probes: lists of a map that are searched, where it has lists.

        Returns:
            the answers, the most similar first.

        Raises:
            ImageError: the query cannot be described, the box lies beside it, or the folder has
                no usable photograph; names the file.
            FormatError: the map is damaged; names it.
            MapError: the map was made with another model, preprocessing, size or squeeze of images.
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
        sizing = model_sizing(self.stored, image_size, squeeze)
        wanted = photograph(Path(query), self._min_side, sizing, as_box(box))
        with ExitStack() as stack:
            places, before = database, Path(photographs or "")
            if not isinstance(database, Map) and _is_file(Path(database)):
                places = stack.enter_context(open_map(database))
            require_of_map(photographs, not isinstance(places, Map) and Path(places).is_dir())
            if isinstance(places, Map):
                places.require_made_with(self.provenance(image_size, squeeze))
            else:
                before = Path(database)
                found = usable_photographs(before, self.stored, sizing)
            row = self._rows([wanted], sizing, "query")[0]
            if not isinstance(places, Map):
                kept, more = stack.enter_context(
                    folder_map(before, found.pictures, self.describer(image_size, squeeze))
                )
                warn_left_out(found.faults + more)
                if kept is None:
                    raise ImageError(f"{database}: none of its images can be described")
                places = Map(kept)
            answers = [
                Answer(before / name, similarity, position)
                for name, similarity, position in places.nearest(row, top, probes)
            ]
        return Answers(wanted, tuple(answers))

    def describer(
        self, image_size: int | None = None, squeeze: tuple[int, int] | None = None
    ) -> Describer:
        """What describes the photographs of a map.

        Args:
            image_size, squeeze: see `describe`.
        """
        sizing = model_sizing(self.stored, image_size, squeeze)
        return Describer(
            self.provenance(image_size, squeeze),
            self.length,
            lambda pictures: describing.described(
                self.by.function, pictures, sizing, self.stored.preprocessing
            ),
            lambda picture: decodable(picture, sizing),
        )

    def recall(
        self,
        database_folder: str | PathLike,
        queries_folder: str | PathLike,
        *,
        positions: str | PathLike | None = None,
        positive_dist_threshold: float = RADIUS,
        recall_values: Sequence[int] = RECALL_VALUES,
        image_size: int | None = None,
        squeeze: tuple[int, int] | None = None,
        partial: bool = False,
    ) -> RecallEvaluation:
        """Recall@N of two folders of photographs, by where they were taken.

        Args:
            database_folder, queries_folder: images in them, and in their folders.
            positions, positive_dist_threshold, recall_values: see `pocketvlad.recall`.
            image_size, squeeze: see `describe`.
            partial: whether images that cannot be described are left out, with a
                `PhotographWarning`.

        Raises:
            ImageError: an image cannot be described, a folder has none, or both have one in common;
                names it.
            PositionError: positions are missing or wrong; names the file.
            OptionError: an option has an impossible value.

        >>> import pocketvlad
        >>> model = pocketvlad.load("small.pvlad")
        >>> result = model.recall("places/database", "places/queries", recall_values=[1, 5])
        >>> print(result)
        6 images, 4 queries
        1 query has no image within 25 m and counts as not found
        R@1: 50.0, R@5: 75.0
        """
        values = require_recall_options(positive_dist_threshold, recall_values)
        sizing = model_sizing(self.stored, image_size, squeeze)
        folders = Path(database_folder), Path(queries_folder)
        found = list(map(listing, folders))
        require_apart(*folders, *found)
        for each in found:
            warn_passed_over(each)
        sides = [each.images for each in found]
        given = [
            Images(str(folder), list(map(str, side)), files=True)
            for folder, side in zip(folders, sides, strict=True)
        ]
        at = locate(*given, None if positions is None else Path(positions))
        kept = [self._kept(*each, sizing, partial) for each in zip(folders, sides, strict=True)]
        described = []
        for side, rows in zip(sides, kept, strict=True):
            pictures = [photograph(side[row], self._min_side, sizing) for row in rows]
            names = [str(side[row]) for row in rows]
            described.append((names, self._rows(pictures, sizing, "describe")))
        return score_places(
            *described,
            replace(at, database=at.database[kept[0]], queries=at.queries[kept[1]]),
            radius=float(positive_dist_threshold),
            values=values,
            metric="cosine",
            notes=[
                f"left out of {folder}: {counted(len(side) - len(rows), 'image')} that cannot be "
                "described"
                for folder, side, rows in zip(folders, sides, kept, strict=True)
                if len(rows) < len(side)
            ],
        )

    def _fault(self, path: Path, sizing: Sizing) -> str | None:
        """None, or why a file cannot be described."""
        try:
            return decodable(photograph(path, self._min_side, sizing), sizing)
        except ImageError as error:
            return str(error)

    def _kept(
        self, folder: Path, images: Sequence[Path], sizing: Sizing, partial: bool
    ) -> list[int]:
        """Numbers of the images of a folder that can be described; the others are warned of, or, if
        they may not be missing, told."""
        found = [self._fault(path, sizing) for path in images]
        faults = [fault for fault in found if fault is not None]
        if faults and (not partial or len(faults) == len(images)):
            raise ImageError(
                f"{len(faults)} of {len(images)} images of {folder} cannot be described: "
                f"{faults[0]}; repair or remove them, or leave them out with --partial (in Python, "
                "partial=True)"
            )
        warn_left_out(faults)
        return [number for number, fault in enumerate(found) if fault is None]

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

    def _rows(self, pictures: Sequence[Picture], sizing: Sizing, label: str) -> np.ndarray:
        return describing.describe(
            self.by.function, pictures, sizing, self.stored.preprocessing, label=label
        )


def _is_file(database: Path) -> bool:
    """Whether it is a map, or was meant to be one."""
    return not database.is_dir() and (database.is_file() or database.suffix == ".pvmap")


def load_model(file: str | PathLike, device: str = "auto", backend: str = BACKEND) -> Model:
    """The model in a `.pvlad` or `.safetensors` file; see `pocketvlad.load`."""
    require_device(device)
    if backend == "onnxruntime":
        if device == "cuda":
            raise OptionError("backend", backend, "it computes on the CPU alone; take torch")
        device = "cpu"
    path = Path(file).absolute()
    stored = stored_model.read_model(Path(file))
    by = backends.describing(stored.network, device, "float32", backend)
    return Model(stored, str(file), file_digest(path, "sha256"), path, by)
