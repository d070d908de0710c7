"""A city in a folder: photographs in, places out. Takes no torch."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.api.answers import Answer, Answers
from pocketvlad.api.arguments import as_box, listed
from pocketvlad.api.defaults import ANSWERS, PROBES, Options
from pocketvlad.api.maps import Map, open_map
from pocketvlad.data.box import Box
from pocketvlad.data.images import load_image
from pocketvlad.format.error import FormatError
from pocketvlad.format.stored import read_stored
from pocketvlad.portable.city_folder import read_city_folder
from pocketvlad.portable.session import Session
from pocketvlad.portable.weights_list import read_list
from pocketvlad.retrieval.coinciding import require_finite
from pocketvlad.retrieval.photographs import photograph
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.provenance import provenance
from pocketvlad.util.checksum import file_digest
from pocketvlad.util.option_error import OptionError, require_option


class City:
    """A model that onnxruntime computes, and the map of a city's photographs.

    Use it in `with`, or `close` it when it is searched no more.

    Attributes:
        folder: where it lies.
        title: what people call it.
        map: its photographs.
        threshold: the least similarity that tells a place; None: not known.
        length: how many numbers a descriptor has, D.
    """

    def __init__(self, folder: Path) -> None:
        """See `pocketvlad.load`."""
        held = read_city_folder(folder)
        self.folder = folder
        self.title: str = held.title
        self.threshold: float | None = held.threshold
        model = folder / held.model
        weights = None
        if held.weights is not None:
            tensors = read_stored(model).tensors
            listed = read_list(folder / held.weights)
            for each in listed:
                tensor = tensors.get(each.tensor)
                if tensor is None or tensor.shape != each.shape:
                    raise FormatError(
                        f"{model} has no {each.tensor} of shape {list(each.shape)}, which "
                        f"{folder / held.weights} names: files of two models; pack the city again"
                    )
            weights = {each.initializer: tensors[each.tensor] for each in listed}
        self._session = Session(folder / held.graph, weights)
        self._metadata = self._session.metadata
        self.length: int = self._metadata.length
        if file_digest(model, "sha256") != self._metadata.model_sha256:
            raise FormatError(
                f"{folder / held.graph} was made from another model than {model}; pack the city "
                "again"
            )
        self.map: Map = open_map(folder / held.map)
        self.map.require_made_with(self.provenance(), "pack the city again")

    def provenance(self) -> str:
        """What descriptors are made with, as JSON: that of the model in its file, by torch."""
        made = self._metadata
        return provenance(made.model_sha256, made.preprocessing, made.sizing)

    def describe(self, photographs: Sequence[str | PathLike]) -> np.ndarray:
        """Describe photographs, each turned as its camera was held.

        Args:
            photographs: N image files.

        Returns:
            [N, D] float32 of unit length, in the order of the files; within 1e-4 of what the model
            gives by torch.

        Raises:
            ImageError: a file is no image, is damaged, or is too small for the network; names it.

        >>> import pocketvlad
        >>> rows = pocketvlad.load("city/").describe(["a.jpg", "b.jpg"])
        >>> rows.shape, rows.dtype
        ((2, 8), dtype('float32'))
        """
        pictures = [self._picture(file) for file in listed(photographs)]
        rows = np.empty((len(pictures), self.length), np.float32)
        for number, picture in enumerate(pictures):
            rows[number] = self._row(picture)
        return rows

    def search(
        self,
        query: str | PathLike,
        database: str | PathLike | Map | None = None,
        *,
        box: Box | None = None,
        top: int = ANSWERS,
        photographs: str | PathLike | None = None,
        probes: int = PROBES,
    ) -> Answers:
        """Find the photographs of the city that show the same place as a query.

        Args:
            query: an image file.
            database: another map, made with this city's model; None: the city's.
            box: (x1, y1, x2, y2) in pixels, the part of the query that counts; None: all of it.
            top: how many answers at most.
            photographs: the folder of the map's photographs, before the paths of answers; None:
                paths are those within that folder.
            probes: lists of a map that are searched, where it has lists.

        Returns:
            the answers, the most similar first.

        Raises:
            ImageError: the query cannot be described, or the box lies beside it; names the file.
            FormatError: the map is damaged; names it.
            MapError: the map was made with another model, preprocessing or size of images.
            OptionError: an option has an impossible value.

        >>> import pocketvlad
        >>> answers = pocketvlad.load("city/").search("a.jpg", top=2)
        >>> [(str(answer.path), f"{answer.similarity:.2f}") for answer in answers]
        [('0.jpg', '1.00'), ('1.jpg', '0.87')]
        """
        require_option(Options, "top", top)
        require_option(Options, "probes", probes)
        wanted = self._picture(Path(query), as_box(box))
        row, before = self._row(wanted), Path(photographs or "")
        if database is None or isinstance(database, Map):
            found = self._nearest(self.map if database is None else database, row, top, probes)
        elif not Path(database).is_file():
            raise OptionError(
                "database",
                database,
                "no file; give a .pvmap file that the city's model has made, or leave it out",
            )
        else:
            with open_map(database) as places:
                found = self._nearest(places, row, top, probes)
        return Answers(
            wanted,
            tuple(Answer(before / each.path, each.similarity, each.position) for each in found),
        )

    def close(self) -> None:
        """Let go of the map."""
        self.map.close()

    def __enter__(self) -> "City":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _nearest(self, places: Map, row: np.ndarray, top: int, probes: int) -> list[Answer]:
        places.require_made_with(self.provenance())
        return [
            Answer(Path(name), similarity, position)
            for name, similarity, position in places.nearest(row, top, probes)
        ]

    def _picture(self, path: Path, box: Box | None = None) -> Picture:
        return photograph(path, self._metadata.min_side, self._metadata.sizing, box)

    def _row(self, picture: Picture) -> np.ndarray:
        """[D]"""
        pixels = load_image(picture.path, self._metadata.sizing, picture.box, picture.upright)
        rows = self._session.describe(pixels[np.newaxis])
        require_finite(rows, [picture.path])
        return rows[0]


def open_city(folder: Path) -> City:
    """The city in a folder; see `pocketvlad.load`."""
    return City(folder)
