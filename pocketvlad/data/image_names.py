"""What image files are called, and what lists call them."""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePath

from pocketvlad.util.shown import shown

JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
HEIF = (".heic", ".heif", ".hif")
SUFFIXES = frozenset({*JPEG, *HEIF, ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif"})
"""Of the formats that are read; in files' names they may be in upper case, too."""

NOT_READ = frozenset(
    {".gif", ".jp2", ".j2k", ".jxl", ".psd", ".dng", ".raw"}
    | {".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"}
)
"""Of pictures that are not read, and are told."""


def is_image_name(path: PurePath) -> bool:
    return path.suffix.lower() in SUFFIXES


def image_name(path: PurePath) -> str:
    """What lists call an image file: its name without the suffix of a format.

    It is text everywhere: in a list, a table, a figure. So accents are composed, as keyboards type
    them and some file systems do not, and what no text may hold is written as an escape.

    >>> image_name(PurePath("album/Köln 1.JPG")), image_name(PurePath("version.2"))
    ('Köln 1', 'version.2')
    """
    stem = path.stem if is_image_name(path) else path.name
    return shown(unicodedata.normalize("NFC", stem))


def _as_path(text: str) -> PurePath:
    return PurePath(text.strip().replace("\\", "/"))


def bare_name(text: str) -> str:
    """An image's name in lists and tables: without folders, of whatever system, and suffix.

    >>> bare_name("photos/a.jpg"), bare_name(r"photos\\in\\a.JPEG"), bare_name("a")
    ('a', 'a', 'a')
    """
    return image_name(_as_path(text))


def full_path(file: str | Path) -> str:
    """All folders of a file that is there, whichever of them were typed."""
    return os.path.abspath(file)  # Path.absolute keeps `..`


class NameClashError(ValueError):
    """Two images would have one name; the message has both."""


def _folders(path: PurePath) -> tuple[str, ...]:
    """Those of a path, accents composed as in `image_name`."""
    return tuple(unicodedata.normalize("NFC", part) for part in path.parts[:-1])


def _of_one_image(one: PurePath, other: PurePath) -> bool:
    """Whether two texts that have one bare name may mean one image: one says more than the other,
    or as much."""
    shorter, longer = sorted((_folders(one), _folders(other)), key=len)
    suffixes = {path.suffix.lower() for path in (one, other) if is_image_name(path)}
    return longer[len(longer) - len(shorter) :] == shorter and len(suffixes) < 2


def _together(one: PurePath, other: PurePath) -> PurePath:
    """All that two texts say of one image: one may have its folders, the other its suffix."""
    folders = max(one.parent, other.parent, key=lambda path: len(path.parts))
    return folders / (other.name if is_image_name(other) else one.name)


class NameIndex:
    """Finds images by texts that may have fewer folders than their names, or more, or no suffix.

    >>> index = NameIndex(["db/1.jpg", "db/2.jpg", "query/1.jpg"])
    >>> index.find("2"), index.find("images/query/1.jpg"), index.find("1.jpg")
    ([1], [2], [0, 2])

    Where more is known than the names say, no other folders are taken for theirs:

    >>> index = NameIndex(["1.jpg"], ["/images/db/1.jpg"])
    >>> index.find("1.jpg"), index.find("db/1.jpg"), index.find("query/1.jpg")
    ([0], [0], [])
    """

    def __init__(self, names: Sequence[str], paths: Sequence[str] | None = None) -> None:
        """`paths`: the same images with all their folders, where these are known."""
        self._names = [_as_path(name) for name in names]
        self._paths = self._names if paths is None else [_as_path(path) for path in paths]
        self._numbers: dict[str, list[int]] = {}
        for number, path in enumerate(self._names):
            self._numbers.setdefault(image_name(path), []).append(number)

    def exactly(self, text: str) -> list[int]:
        """Numbers of the names that `text` is."""
        path = _as_path(text)
        numbers = self._numbers.get(image_name(path), [])
        return [number for number in numbers if self._names[number] == path]

    def find(self, text: str) -> list[int]:
        """Numbers of the names that `text` may mean: one alone where it is that very name."""
        path = _as_path(text)
        numbers = self._numbers.get(image_name(path), [])
        close = (each for each in numbers if _of_one_image(self._paths[each], path))
        return self.exactly(text) or list(close)

    def find_longer(self, text: str, folders: int) -> list[int]:
        """Of `find`, numbers of the names that have more than so many folders."""
        return [
            number for number in self.find(text) if len(self._names[number].parts) - 1 > folders
        ]


class BareNames:
    """Bare names, of texts that may have folders; folders are never lost in silence.

    >>> names = BareNames()
    >>> names.of("query/000.jpg"), names.of("000")
    ('000', '000')
    >>> names.of("ref/000.jpg")
    Traceback (most recent call last):
        ...
    pocketvlad.data.image_names.NameClashError: query/000.jpg and ref/000.jpg are both called ...
    """

    def __init__(self) -> None:
        self._known: dict[str, PurePath] = {}

    def of(self, text: str) -> str:
        """The bare name.

        Raises:
            NameClashError: it was that of another image already.
        """
        name, path = bare_name(text), _as_path(text)
        known = self._known.get(name, path)
        if not _of_one_image(known, path):
            raise NameClashError(
                f"{shown(known.as_posix())} and {shown(text)} are both called {name!r}: images are "
                "known by their names without folder and suffix; rename one"
            )
        self._known[name] = _together(known, path)
        return name
