"""The photographs that a search found."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from pocketvlad.retrieval.picture import Picture


def require_figure(file: Path) -> None:
    """Make sure that a picture of answers can be drawn, before there are any.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: it writes no format of this suffix; names the file.
    """
    try:
        from pocketvlad.report.contact_sheet import require_format
    except ImportError as error:
        raise ImportError(
            f"{error}: a picture of the answers needs it; pip install 'pocketvlad[figures]'"
        ) from None
    require_format(file)


@dataclass(frozen=True)
class Answer:
    """path: of a photograph.  similarity: the cosine to the query; 1 is the same picture. What a
    map's code decodes to may be longer than 1 by a few thousandths, and so may this be.
    position: easting and northing in metres, where the map that was searched knows them."""

    path: Path
    similarity: float
    position: tuple[float, float] | None = None


@dataclass(frozen=True)
class Answers(Sequence):
    """What was found for a query, the most similar first; a sequence of `Answer`.

    Attributes:
        query: the photograph, and the box in it, that was searched for.
        found: the answers.
    """

    query: Picture
    found: tuple[Answer, ...]

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place):
        return self.found[place]

    def draw(self, file: str | PathLike) -> None:
        """Write the query and its answers as one picture; its suffix is its format.

        Raises:
            ImageError: a photograph cannot be decoded any more.
            OSError: the picture cannot be written.
            ValueError: there is no format of this suffix.
            ImportError: matplotlib is missing.

        >>> import pocketvlad
        >>> pocketvlad.load("small.pvlad").search("a.jpg", "holiday/").draw("answers.png")
        """
        require_figure(Path(file))
        from pocketvlad.report.contact_sheet import contact_sheet

        pairs = [(answer.path, min(1.0, answer.similarity)) for answer in self.found]
        contact_sheet(self.query, pairs, Path(file))
