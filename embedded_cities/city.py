"""A whole city: pictures of its landmarks, distractors, ground truth, both archives."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from embedded_cities.archive import write_archive, write_whole
from embedded_cities.atlas import Atlas
from embedded_cities.picture import Picture, distractor, take
from embedded_cities.site import STYLES, landmark_site, ordinary_site
from embedded_cities.stock import stock

PATTERN = ("good", "ok", "good", "good", "good", "junk", "good")
"""Lists that the pictures of a landmark are made for, over and over: a picture does not depend on
how many follow it."""

Progress = Callable[[Iterable[int]], Iterable[int]]


def _least_views(queries: int) -> int:
    """The fewest pictures of a landmark that hold so many good ones and each other list."""
    planned, made = cycle(PATTERN), []
    while made.count("good") < queries or not {"ok", "junk"} <= set(made):
        made.append(next(planned))
    return len(made)


@dataclass(frozen=True)
class CitySpec:
    """What to render.

    style: "oxford" or "paris", the kind of city and the archive layout.  landmarks: 1 to 11.
    queries: query pictures of each landmark.  views: pictures of each landmark, queries included.
    distractors: pictures of no landmark.  size: longest side, pixels.
    variety: how much viewpoints, light and cameras differ, 0 to 1: the difficulty.
    """

    style: str
    seed: int
    landmarks: int = 11
    queries: int = 5
    views: int = 22
    distractors: int = 80
    size: int = 192
    variety: float = 1.0

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style: {self.style!r} is not allowed: choose from {sorted(STYLES)}")
        if self.seed < 0:
            raise ValueError(f"seed: {self.seed} is not allowed: give an integer of 0 or more")
        if not 1 <= self.landmarks <= len(STYLES[self.style].LANDMARKS):
            raise ValueError(f"landmarks: {self.landmarks} is not allowed: give 1 to 11")
        if self.queries < 1:
            raise ValueError(f"queries: {self.queries} is not allowed: give 1 or more")
        if self.views < (least := _least_views(self.queries)):
            raise ValueError(
                f"views: {self.views} is not allowed with {self.queries} queries: give at least "
                f"{least}"
            )
        if self.distractors < 0:
            raise ValueError(f"distractors: {self.distractors} is not allowed: give 0 or more")
        if not 0 <= self.variety <= 1:
            raise ValueError(f"variety: {self.variety} is not allowed: give a number from 0 to 1")
        if not 48 <= self.size <= 2048 or self.size % 4:
            raise ValueError(
                f"size: {self.size} is not allowed: give a multiple of 4 from 48 to 2048"
            )


@dataclass(frozen=True)
class Entry:
    """A finished picture: its archive name without suffix, its landmark, what it shows.

    landmark: None for a distractor, and then picture.share is 0.  site: the number of its site in
    the city.
    """

    name: str
    landmark: str | None
    picture: Picture
    site: int


def _generator(spec: CitySpec, *key: int) -> np.random.Generator:
    style = sorted(STYLES).index(spec.style)
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(style, *key)))


_STOCK, _SITE, _VIEW, _PLACE, _NUMBER = range(5)


def _numbers(spec: CitySpec, group: int, count: int) -> list[int]:
    """Increasing picture numbers with gaps, as if the others had been sorted out."""
    rng = _generator(spec, _NUMBER, group)
    return [int(n) for n in np.cumsum([rng.integers(1, 10) for _ in range(count)])]


def entries(spec: CitySpec) -> Iterator[Entry]:
    """All pictures of the city, landmark by landmark, then the distractors."""
    shared = stock(spec.style, Atlas(spec.seed), _generator(spec, _STOCK))
    for place, landmark in enumerate(list(STYLES[spec.style].LANDMARKS)[: spec.landmarks]):
        site = landmark_site(landmark, shared, _generator(spec, _SITE, place))
        for view, number in enumerate(_numbers(spec, place, spec.views)):
            rng = _generator(spec, _VIEW, place, view)
            try:
                picture = take(site, PATTERN[view % len(PATTERN)], spec.size, spec.variety, rng)
            except RuntimeError as error:
                raise RuntimeError(f"{spec.style} {landmark}, picture {view}: {error}") from error
            yield Entry(_name(spec, landmark, number), landmark, picture, place)
    for index, number in enumerate(_numbers(spec, 99, spec.distractors)):
        rng = _generator(spec, _PLACE, index)
        nothing = distractor(ordinary_site(shared, rng), spec.size, spec.variety, rng)
        yield Entry(_name(spec, None, number), None, nothing, spec.landmarks + index)


def _name(spec: CitySpec, landmark: str | None, number: int) -> str:
    if spec.style == "oxford":
        return f"{landmark or 'oxford'}_{number:06d}"
    return f"paris_{landmark or 'general'}_{number:06d}"


def choose_queries(pictures: list[Entry], count: int) -> list[Entry]:
    """The good pictures with the most different viewpoints; the frontal one comes first.

    Raises ValueError when there are fewer than count.
    """
    left = [e for e in pictures if e.picture.category == "good"]
    if len(left) < count:
        raise ValueError(f"count: {count} is not allowed: there are {len(left)} good pictures")
    chosen = [min(left, key=lambda e: abs(e.picture.azimuth))]
    while len(chosen) < count:
        left = [e for e in left if e not in chosen]
        taken = [c.picture.azimuth for c in chosen]
        chosen.append(max(left, key=lambda e: min(abs(e.picture.azimuth - t) for t in taken)))
    return chosen


def ground_truth(spec: CitySpec, made: list[Entry]) -> dict[str, bytes]:
    """The ground-truth files by name."""
    prefix = "oxc1_" if spec.style == "oxford" else ""
    files = {}
    for landmark in list(STYLES[spec.style].LANDMARKS)[: spec.landmarks]:
        own = [e for e in made if e.landmark == landmark]
        lists = {
            category: "".join(f"{e.name}\n" for e in own if e.picture.category == category)
            for category in ("good", "ok", "junk")
        }
        for k, query in enumerate(choose_queries(own, spec.queries), start=1):
            box = " ".join(f"{value:.1f}" for value in query.picture.box)
            files[f"{landmark}_{k}_query.txt"] = f"{prefix}{query.name} {box}\n".encode()
            for category, names in lists.items():
                files[f"{landmark}_{k}_{category}.txt"] = names.encode()
    return files


_CORNERS = {"oxford": (619000.0, 5735000.0), "paris": (448000.0, 5411000.0)}
"""UTM easting and northing of the first site of a city: of the real ones, zones 30N and 31N."""
_BLOCK, _ROW = 1000.0, 10
"""Metres between neighbouring sites, more than any camera is away from its own, and sites a row."""


def position(spec: CitySpec, entry: Entry) -> tuple[float, float]:
    """Easting and northing of the camera, metres. Sites stand in a grid, in the order of their
    numbers; where a site stands depends on nothing else."""
    east, north = _CORNERS[spec.style]
    x, y = entry.picture.place
    row, column = divmod(entry.site, _ROW)
    return east + column * _BLOCK + x, north + row * _BLOCK + y


def positions_table(spec: CitySpec, made: list[Entry]) -> bytes:
    """The positions of all pictures as a CSV file."""
    lines = ["image,easting,northing"]
    for entry in made:
        east, north = position(spec, entry)
        lines.append(f"{entry.name},{east:.1f},{north:.1f}")
    return "".join(f"{line}\n" for line in lines).encode()


def write_city(
    spec: CitySpec,
    images_archive: Path,
    ground_truth_archive: Path,
    progress: Progress | None = None,
    positions: Path | None = None,
) -> None:
    """Render a city and write its two archives in the official layout.

    positions: a CSV file to write, too: where pictures were taken.
    progress: wraps the iteration over the picture numbers 0, 1, 2... to show how far it is.
    Raises ValueError for an archive suffix other than .tar, .tgz and .tar.gz, and RuntimeError
    when a landmark cannot be shown as planned.
    """
    steps: Iterable[int] = range(spec.landmarks * spec.views + spec.distractors)
    source = entries(spec)
    made = [next(source) for _ in (progress(steps) if progress else steps)]
    write_archive(images_archive, {_path(spec, e): e.picture.jpeg for e in made})
    write_archive(ground_truth_archive, ground_truth(spec, made))
    if positions:
        write_whole(positions, positions_table(spec, made))


def _path(spec: CitySpec, entry: Entry) -> str:
    if spec.style == "oxford":
        return f"{entry.name}.jpg"
    return f"paris/{entry.landmark or 'general'}/{entry.name}.jpg"
