"""Reading the ground truth files of Oxford and Paris Buildings.

A landmark's k-th query is four text files: `<landmark>_<k>_query.txt` with an image name and a
box `x1 y1 x2 y2` in pixels, and `_good`, `_ok`, `_junk` with an image name a line.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_LISTS = ("good", "ok", "junk")
_QUERY_FILE = re.compile(r"(?P<name>(?P<landmark>.+)_\d+)_query\.txt")


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


def _read_names(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise GroundTruthError(f"{path} is missing: each query needs _query, _good, _ok and _junk")
    return tuple(path.read_text(encoding="utf-8").split())


def _read_query(path: Path, prefix: str) -> tuple[str, tuple[float, float, float, float]]:
    fields = path.read_text(encoding="utf-8").split()
    try:
        image, x1, y1, x2, y2 = fields[0], *(float(value) for value in fields[1:])
    except (IndexError, ValueError):
        raise GroundTruthError(
            f"{path} holds {' '.join(fields)!r}; expected an image name and x1 y1 x2 y2"
        ) from None
    if not image.startswith(prefix):
        raise GroundTruthError(
            f"{path} names image {image!r}, which lacks the prefix {prefix!r}; "
            "correct `query_prefix` of the data set in the config"
        )
    if not (x2 > x1 and y2 > y1):
        raise GroundTruthError(f"{path} has an empty box: {x1} {y1} {x2} {y2}")
    return image.removeprefix(prefix), (x1, y1, x2, y2)


def read_ground_truth(folder: Path, query_prefix: str = "") -> list[QueryLists]:
    """Every query of `folder`, sorted by name.

    Args:
        query_prefix: what the query files put before an image's name ("oxc1_" for Oxford).

    Raises:
        GroundTruthError: no queries, a list is missing, or a line has the wrong form; the
            message names the file.
    """
    found = []
    for path in sorted(folder.glob("*_query.txt")):
        match = _QUERY_FILE.fullmatch(path.name)
        if match is None:
            raise GroundTruthError(f"{path} is not named <landmark>_<number>_query.txt")
        image, box = _read_query(path, query_prefix)
        lists = (_read_names(folder / f"{match['name']}_{kind}.txt") for kind in _LISTS)
        found.append(QueryLists(match["name"], match["landmark"], image, box, *lists))
    if not found:
        raise GroundTruthError(f"{folder} has no *_query.txt: is it a ground truth archive?")
    return found
