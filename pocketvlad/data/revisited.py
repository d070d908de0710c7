"""The ground truth of Revisited Oxford and Paris (Radenovic et al., CVPR 2018).

`gnd_roxford5k.pkl` and `gnd_rparis6k.pkl` are pickles of a dict: `imlist` and `qimlist` are names
of the database's and of the queries' images, `gnd` has for each query `bbx` (x1, y1, x2, y2 in
pixels) and `easy`, `hard`, `junk`: positions in `imlist`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocketvlad.data.box import unfit_box
from pocketvlad.data.ground_truth import GroundTruthError, QueryLists
from pocketvlad.data.image_names import BareNames, NameClashError
from pocketvlad.data.plain_pickle import PickledArray, read_plain_pickle
from pocketvlad.data.query_groups import with_landmarks
from pocketvlad.util.foreign import foreign
from pocketvlad.util.texts import listed_texts

_WRONG = "is not a ground truth of Revisited Oxford or Paris"
_REMEDY = "fetch it again"


def _entry(mapping: object, key: str) -> object:
    if not isinstance(mapping, Mapping) or key not in mapping:
        raise ValueError(f"{key} is missing")
    return mapping[key]


def _listed(value: object, key: str) -> list:
    """The values of a list or an array."""
    if isinstance(value, PickledArray):
        value = value.values
    if isinstance(value, np.ndarray):
        value = listed_texts(value) if value.dtype.kind == "U" else value.ravel().tolist()
    if not isinstance(value, list | tuple):
        raise ValueError(f"{key} is no list")
    return list(value)


def _names(raw: object, key: str, bare: BareNames) -> list[str]:
    texts = _listed(_entry(raw, key), key)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{key} holds something else than names")
    names = [bare.of(text) for text in texts]
    if len(set(names)) != len(names):
        raise ValueError(f"{key} names an image twice")
    return names


def _numbers(entry: object, key: str) -> list[int | float]:
    numbers = _listed(_entry(entry, key), key)
    if not all(type(number) in (int, float) for number in numbers):
        raise ValueError(f"{key} holds something else than numbers")
    return numbers


def _query(image: str, entry: object, database: list[str]) -> QueryLists:
    def listed(kind: str) -> tuple[str, ...]:
        places = _numbers(entry, kind)
        for place in places:
            if place != place // 1 or not 0 <= place < len(database):
                raise ValueError(
                    f"query {image}: {kind} points past the {len(database)} images: {place:.20g}"
                )
        return tuple(database[int(place)] for place in places)

    box = tuple(map(float, _numbers(entry, "bbx")))
    if fault := unfit_box(box):
        raise ValueError(f"query {image}: {fault}")
    easy, hard, junk = (listed(kind) for kind in ("easy", "hard", "junk"))
    return QueryLists(image, "", image, box, easy, hard, junk)


def read_revisited(path: Path) -> list[QueryLists]:
    """Every query, sorted by name; easy images as `good`, hard ones as `ok`.

    Raises:
        GroundTruthError: not such a file, or one that would run code; names file and fault.
    """
    if not path.is_file():
        raise GroundTruthError(f"{path} is {'no file' if path.exists() else 'missing'}")
    with foreign(GroundTruthError, f"{path} {_WRONG}", _REMEDY):
        raw = read_plain_pickle(path)
    try:
        bare = BareNames()
        database, images = _names(raw, "imlist", bare), _names(raw, "qimlist", bare)
        entries = _listed(_entry(raw, "gnd"), "gnd")
        if len(entries) != len(images):
            raise ValueError(f"gnd has {len(entries)} entries for {len(images)} queries")
        queries = [
            _query(image, entry, database) for image, entry in zip(images, entries, strict=True)
        ]
    except NameClashError as error:
        raise GroundTruthError(f"{path}: {error}") from None
    except (ValueError, OverflowError) as error:
        raise GroundTruthError(f"{path} {_WRONG}: {error}; {_REMEDY}") from None
    if not queries:
        raise GroundTruthError(f"{path} has no queries; {_REMEDY}")
    return with_landmarks(queries)
