"""Archives with the names, folders and counts of the official ones, and small pictures in them.

What the official archives are is said in pocketvlad/data/official/datasets.yaml. Here is what a
generator needs besides: how images are called and which folder they lie in.
"""

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from embedded_cities.archive import write_archive
from embedded_cities.city import CitySpec, entries
from pocketvlad.data.declarations import declared_dataset
from pocketvlad.data.ground_truth import QueryLists, read_ground_truth

SIDE, SHORT = 64, 48  # of a picture, pixels; every picture has the shape of a camera's
_KEPT = 128  # the longest side of a picture that others are cut from
_BOX = 44  # the side of a query's box, pixels: more than AlexNet needs
_QUERIES = 5  # a landmark


@dataclass(frozen=True)
class OfficialCity:
    """How one of the cities names its images.

    dataset: its name in datasets.yaml.  stem: what the names of its images begin with.
    listed: (good, ok, junk) images that a landmark's lists have, where the official ones are not
    known.  folder: of the images in the archive; "{}" is the first word of a name.
    """

    dataset: str
    stem: str
    landmarks: tuple[str, ...]
    others: tuple[str, ...]
    listed: tuple[int, int, int]
    folder: str = ""

    def declared(self) -> Mapping:
        return declared_dataset(self.dataset)

    def words(self) -> tuple[str, ...]:
        """What stands before the number in a name, without the stem."""
        return tuple(sorted((*self.landmarks, *self.others)))

    def word_of(self, name: str) -> str:
        return name.removeprefix(self.stem).rpartition("_")[0]

    def path_of(self, name: str) -> str:
        return f"{self.folder.format(self.word_of(name))}{name}.jpg"


CITIES = {
    "oxford": OfficialCity(
        "oxford5k",
        "",
        (
            "all_souls",
            "ashmolean",
            "balliol",
            "bodleian",
            "christ_church",
            "cornmarket",
            "hertford",
            "keble",
            "magdalen",
            "pitt_rivers",
            "radcliffe_camera",
        ),
        ("jesus", "new", "oriel", "oxford", "trinity", "worcester"),
        (25, 27, 27),
    ),
    "paris": OfficialCity(
        "paris6k",
        "paris_",
        (
            "defense",
            "eiffel",
            "invalides",
            "louvre",
            "moulinrouge",
            "museedorsay",
            "notredame",
            "pantheon",
            "pompidou",
            "sacrecoeur",
            "triomphe",
        ),
        ("general",),
        # Many of its lists of good images are empty.
        (0, 160, 150),
        "paris/{}/",
    ),
}


def _shrunk(picture: Image.Image, longest: int) -> Image.Image:
    picture.draft("RGB", (longest, longest))
    picture = picture.convert("RGB")
    picture.thumbnail((longest, longest))
    return picture


def photographs(folder: Path, city: str) -> list[Image.Image]:
    """The real subset's photographs of a city, made small.

    folder: with `oxford_images.tar` and `paris_images.tar`.
    """
    with tarfile.open(folder / f"{city}_images.tar") as tar:
        files = [tar.extractfile(member) for member in tar if member.isfile()]
        return [_shrunk(Image.open(file), _KEPT) for file in files]


def drawn(city: str, seed: int) -> list[Image.Image]:
    """Pictures of an embedded city, in the photographs' place."""
    spec = CitySpec(city, seed, queries=1, views=8, distractors=12, size=_KEPT)
    return [Image.open(io.BytesIO(entry.picture.jpeg)) for entry in entries(spec)]


def official_lists(folder: Path, city: str, scratch: Path) -> list[QueryLists]:
    """Those of the subset: the official lists of some queries, whole. scratch: an empty folder."""
    with tarfile.open(folder / f"{city}_gt.tgz") as tar:
        tar.extractall(scratch, filter="data")
    return read_ground_truth(scratch, CITIES[city].declared().get("query_prefix", ""))


class _Names:
    """Names of a city that are not taken yet."""

    def __init__(self, city: OfficialCity, taken: set[str], generator: np.random.Generator):
        self._city, self._generator = city, generator
        self.taken = set(taken)

    def new(self, word: str) -> str:
        while True:
            name = f"{self._city.stem}{word}_{self._generator.integers(1500):06d}"
            if name not in self.taken:
                self.taken.add(name)
                return name


def _lists(
    city: OfficialCity,
    known: Sequence[QueryLists],
    names: _Names,
    generator: np.random.Generator,
) -> Iterator[tuple[str, str, tuple[Sequence[str], ...]]]:
    """(query, image, its lists) of all queries: the official ones where they are known."""
    corrupt = city.declared().get("leave_out", [])
    for landmark in city.landmarks:
        own = {query.name: query for query in known if query.landmark == landmark}
        if own:
            first = next(iter(own.values()))
            lists = (first.good, first.ok, first.junk)
        else:
            lists = tuple([names.new(landmark) for _ in range(count)] for count in city.listed)
            # Official lists may name images that cannot be read.
            lists[2].extend(name for name in corrupt if city.word_of(name) == landmark)
        taken = {query.image for query in own.values()}
        free = [each for each in (*lists[0], *lists[1]) if each not in taken | set(corrupt)]
        free = [free[index] for index in generator.permutation(len(free))]
        for number in range(1, _QUERIES + 1):
            name = f"{landmark}_{number}"
            if name in own:
                query = own[name]
                yield name, query.image, (query.good, query.ok, query.junk)
            else:
                yield name, free.pop(), lists


def _box(size: tuple[int, int], generator: np.random.Generator) -> str:
    x, y = (generator.uniform(0, side - _BOX) for side in size)
    return f"{x:.1f} {y:.1f} {x + _BOX:.1f} {y + _BOX:.1f}"


def _cut(picture: Image.Image, generator: np.random.Generator, least: float) -> Image.Image:
    """A random part of a camera's shape, with at least that share of the largest one's sides."""
    size = (SIDE, SHORT) if picture.width >= picture.height else (SHORT, SIDE)
    scale = min(picture.width / size[0], picture.height / size[1])
    scale *= generator.uniform(least, 1)
    width, height = size[0] * scale, size[1] * scale
    x = generator.uniform(0, picture.width - width)
    y = generator.uniform(0, picture.height - height)
    return picture.resize(size, Image.Resampling.BILINEAR, (x, y, x + width, y + height))


def _jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _damaged(jpeg: bytes, number: int) -> bytes:
    """Nothing at all, a picture that is cut off, or no picture."""
    return (b"", jpeg[: len(jpeg) // 2], b"\0" * 1000)[number % 3]


def write_official_archives(
    city: str,
    folder: Path,
    pictures: Sequence[Image.Image],
    known: Sequence[QueryLists] = (),
    seed: int = 1,
) -> list[Path]:
    """All archives of a city: the official number of images, and the lists of all queries.

    Args:
        pictures: what the images are cut from. Two of them are each landmark, so that a network
            can find it; all others are cut from the rest.
        known: queries whose lists are taken as they are; the lists of others are made up.
    """
    official, generator = CITIES[city], np.random.default_rng(seed)
    declared = official.declared()
    corrupt = declared.get("leave_out", [])
    listed = {each for q in known for each in (q.image, *q.good, *q.ok, *q.junk)}
    words = official.words()
    names = _Names(official, {*listed, *corrupt}, generator)
    queries = list(_lists(official, known, names, generator))
    while len(names.taken) < declared["expected_images"]:
        names.new(words[generator.integers(len(words))])

    rest = [pictures[index] for index in generator.permutation(len(pictures))]
    shown = {landmark: (rest.pop(), rest.pop()) for landmark in official.landmarks}
    showing = {
        name: shown[query.rpartition("_")[0]]
        for query, image, (good, ok, _) in queries
        for name in (image, *good, *ok)
    }
    images: dict[str, bytes] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for name in sorted(names.taken):
        sources = showing.get(name, rest)
        least = 0.8 if name in showing else 0.5
        picture = _cut(sources[generator.integers(len(sources))], generator, least)
        if generator.random() < 0.01:
            picture = picture.convert("L")  # some photographs have no colours
        sizes[name], images[name] = picture.size, _jpeg(picture)
    for number, name in enumerate(corrupt):
        images[name] = _damaged(images[name], number)

    prefix = declared.get("query_prefix", "")
    lists: dict[str, bytes] = {}
    for query, image, (good, ok, junk) in queries:
        box = _box(sizes[image], generator)
        lists[f"{query}_query.txt"] = f"{prefix}{image} {box}\n".encode()
        for kind, members in (("good", good), ("ok", ok), ("junk", junk)):
            lists[f"{query}_{kind}.txt"] = "".join(f"{name}\n" for name in members).encode()

    paths = [folder / name for name in (*declared["images"], *declared["ground_truth"])]
    # By the words of names: the first archive of two ends in the middle of the alphabet.
    parts = len(declared["images"])
    for number, path in enumerate(paths[:parts]):
        held = words[number * len(words) // parts : (number + 1) * len(words) // parts]
        write_archive(
            path, {official.path_of(n): images[n] for n in images if official.word_of(n) in held}
        )
    write_archive(paths[parts], lists)
    return paths
