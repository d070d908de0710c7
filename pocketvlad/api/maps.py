"""Maps of places as files: opened, looked into, verified. Takes no torch."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.api.defaults import Options
from pocketvlad.format.map_layout import POSITIONS, Section
from pocketvlad.maps.place_map import ANOTHER_MAP, PlaceMap, Places
from pocketvlad.util.option_error import require_option


class Map:
    """An open `.pvmap` file. Its places stay in the file until a search reads them.

    Use it in `with`, or `close` it when it is searched no more.

    Attributes:
        file: where it lies.
        places: how many it has.
        code: as which bytes it keeps their descriptors, such as "int8".
        place_bytes: bytes of the code of a place.
        lists: of like places, that a search compares a part of; 0: it compares all places.
        located: whether it knows where the photographs were taken.
        provenance: the model's SHA-256, the preprocessing and the size of images.
        sections: name, type and shape of all that is in the file.
        size: bytes of the file.
    """

    def __init__(self, opened: PlaceMap) -> None:
        self._opened = opened
        header = opened.file.header
        self.file: Path = opened.path
        self.places: int = opened.places
        self.code: str = opened.code.declared.short
        self.place_bytes: int = opened.code.bytes_per_row
        self.lists: int = opened.lists
        self.located: bool = POSITIONS in opened.file.sections
        self.provenance: dict[str, object] = header.provenance
        self.sections: list[Section] = list(header.sections.values())
        self.size: int = opened.path.stat().st_size

    def names(self) -> Iterator[str]:
        """The paths of its photographs within their folder, in the order of the file.

        Raises:
            FormatError: what is read is damaged.

        >>> import pocketvlad
        >>> with pocketvlad.open_map("holiday.pvmap") as places:
        ...     sorted(places.names())[:2]
        ['0.jpg', '1.jpg']
        """
        return self._opened.file.all_names()

    def verify(self) -> None:
        """Read all of the file, and hold it against its checksums.

        Raises:
            FormatError: anything is damaged, a name occurs twice, or a number is not finite; names
                the file and the fault.

        >>> import pocketvlad
        >>> pocketvlad.open_map("holiday.pvmap").verify()
        """
        self._opened.verify()

    def require_made_with(self, made_with: str, remedy: str = ANOTHER_MAP) -> None:
        """Make sure that photographs that a model describes can be found in it.

        Args:
            made_with: what `Model.provenance` gives.
            remedy: what to do where they cannot; the message ends with it.

        Raises:
            MapError: it was made with another model, preprocessing or size of images.

        >>> import pocketvlad
        >>> made_with = pocketvlad.load("small.pvlad").provenance()
        >>> pocketvlad.open_map("holiday.pvmap").require_made_with(made_with)
        """
        self._opened.require_made_with(made_with, remedy)

    def nearest(
        self, row: np.ndarray, top: int, probes: int
    ) -> Iterator[tuple[str, float, tuple[float, float] | None]]:
        """(name, similarity, position or None) of the places most similar to a descriptor [D].

        Args:
            top: how many at most.
            probes: lists that are searched, where the map has lists.

        Raises:
            FormatError: what is read is damaged.
            OptionError: `top` or `probes` is not above 0.
            ValueError: the descriptor has another length, or is not finite.

        >>> import pocketvlad
        >>> [row] = pocketvlad.load("small.pvlad").describe(["a.jpg"])
        >>> for name, similarity, _ in pocketvlad.open_map("holiday.pvmap").nearest(row, 2, 1):
        ...     print(name, f"{similarity:.2f}")
        0.jpg 1.00
        1.jpg 0.87
        """
        top = require_option(Options, "top", top)
        probes = require_option(Options, "probes", probes)
        [found] = self._opened.search(row[None], top, probes)
        return self._answers(found)

    def _answers(self, found: Places) -> Iterator[tuple[str, float, tuple[float, float] | None]]:
        for place, similarity in zip(found.numbers.tolist(), found.similarities, strict=True):
            [name] = self._opened.file.names(place, place + 1)
            yield name, float(similarity), self._opened.file.position(place)

    def close(self) -> None:
        """Let go of the file."""
        self._opened.close()

    def __enter__(self) -> "Map":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_map(file: str | PathLike) -> Map:
    """Open a map; at once, whatever the number of its places.

    Raises:
        FormatError: the file is damaged or is no `.pvmap` file; names the file and the fault.
        OSError: it cannot be read.

    >>> import pocketvlad
    >>> with pocketvlad.open_map("holiday.pvmap") as places:
    ...     places.places, places.code, places.place_bytes
    (12, 'int8', 8)
    """
    return Map(PlaceMap(Path(file)))
