"""A query of a data set, and what it is held against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """A query whose image is there, and its lists cut to the images that are.

    landmark: "" where nobody says what it shows.
    box: x1, y1, x2, y2 in pixels of the original image; None: the whole image.  good, ok, junk:
    what they are called in a protocol, and how they count, the protocol says (`protocols`).
    """

    name: str
    landmark: str
    image: str
    box: tuple[float, float, float, float] | None
    good: tuple[str, ...]
    ok: tuple[str, ...]
    junk: tuple[str, ...]

    @property
    def positives(self) -> frozenset[str]:
        return frozenset(self.good) | frozenset(self.ok)


@dataclass(frozen=True)
class Judgement:
    """Images to find, and images that count neither as right nor as wrong."""

    positives: frozenset[str]
    ignored: frozenset[str]
