"""Reading the ground truth files of Oxford and Paris Buildings.

A landmark's k-th query is four text files: `<landmark>_<k>_query.txt` with an image name and a
box `x1 y1 x2 y2` in pixels, and `_good`, `_ok`, `_junk` with an image name a line.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.data.box import Box, unfit_box
from pocketvlad.data.image_files import is_hidden
from pocketvlad.data.image_names import BareNames, NameClashError
from pocketvlad.data.written_number import written_number
from pocketvlad.util.foreign import foreign
from pocketvlad.util.text_file import LINE_END, read_text

LIST_SUFFIX = ".txt"
_LISTS = ("good", "ok", "junk")
_QUERY_FILE = re.compile(r"(?P<name>(?P<landmark>.+)_\d+)_query", re.DOTALL)


class GroundTruthError(ValueError):
    """A ground truth file is missing or not of the official form."""


@dataclass(frozen=True)
class QueryLists:
    """One query as its files give it, before it is held against the images that are there."""

    name: str  # "all_souls_1"
    landmark: str  # "all_souls"
    image: str  # without prefix and suffix
    box: tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels of the original image
    good: tuple[str, ...]
    ok: tuple[str, ...]
    junk: tuple[str, ...]


def list_files(folder: Path) -> list[Path]:
    """The lists in a folder, sorted; hidden files, such as a Mac's archives have, are none."""
    with foreign(GroundTruthError, f"{folder} cannot be read"):
        entries = sorted(folder.iterdir())
    return [
        path for path in entries if path.suffix.lower() == LIST_SUFFIX and not is_hidden(path.name)
    ]


def _by_stem(paths: list[Path]) -> dict[str, Path]:
    files = {}
    for path in paths:
        if other := files.get(path.stem):
            raise GroundTruthError(f"{other} and {path.name} are lists of the same name; keep one")
        files[path.stem] = path
    return files


def _bare(path: Path, text: str, names: BareNames) -> str:
    try:
        return names.of(text)
    except NameClashError as error:
        raise GroundTruthError(f"{path}: {error}") from None


def _read_names(path: Path, names: BareNames) -> tuple[str, ...]:
    lines = (line.strip() for line in LINE_END.split(read_text(path, GroundTruthError)))
    return tuple(_bare(path, line, names) for line in lines if line)


def _read_query(path: Path, prefix: str, names: BareNames) -> tuple[str, Box]:
    text = read_text(path, GroundTruthError).strip()
    fields = text.rsplit(maxsplit=4)  # the name may have spaces
    try:
        image, *edges = fields
        box = tuple(map(written_number, edges))
    except ValueError:
        box = ()
    if len(box) != 4 or LINE_END.search(image):
        raise GroundTruthError(
            f"{path} holds {text[:200]!r}; expected an image name and x1 y1 x2 y2"
        )
    if not image.startswith(prefix):
        raise GroundTruthError(
            f"{path} names image {image!r}, which lacks the prefix {prefix!r}; "
            "correct `query_prefix` of the data set in the config"
        )
    if fault := unfit_box(box):
        raise GroundTruthError(f"{path}: {fault}")
    return _bare(path, image.removeprefix(prefix), names), box


def read_ground_truth(folder: Path, query_prefix: str = "") -> list[QueryLists]:
    """Every query of `folder`, sorted by name.

    Args:
        query_prefix: what the query files put before an image's name ("oxc1_" for Oxford).

    Raises:
        GroundTruthError: no queries, a list is missing or there twice, or a line has the wrong
            form; the message names the file.
    """
    files = _by_stem(list_files(folder))
    names = BareNames()
    found = []
    for stem, path in files.items():
        if not stem.endswith("_query"):
            continue
        match = _QUERY_FILE.fullmatch(stem)
        if match is None:
            raise GroundTruthError(f"{path} is not named <landmark>_<number>_query.txt")
        image, box = _read_query(path, query_prefix, names)
        lists = []
        for kind in _LISTS:
            listed = f"{match['name']}_{kind}"
            if listed not in files:
                raise GroundTruthError(
                    f"{folder / listed}{LIST_SUFFIX} is missing: each query needs _query, _good, "
                    "_ok and _junk"
                )
            lists.append(_read_names(files[listed], names))
        found.append(QueryLists(match["name"], match["landmark"], image, box, *lists))
    if not found:
        raise GroundTruthError(f"{folder} has no *_query.txt: is it a ground truth archive?")
    return found
