"""The ground truth of Revisited Oxford and Paris (Radenovic et al., CVPR 2018).

`gnd_roxford5k.pkl` and `gnd_rparis6k.pkl` are pickles of a dict: `imlist` and `qimlist` are names
of the database's and of the queries' images, `gnd` has for each query `bbx` (x1, y1, x2, y2 in
pixels) and `easy`, `hard`, `junk`: positions in `imlist`.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocketvlad.data.box import unfit_box
from pocketvlad.data.ground_truth import GroundTruthError, QueryLists
from pocketvlad.data.image_names import BareNames, NameClashError
from pocketvlad.data.query_groups import with_landmarks
from pocketvlad.util.foreign import foreign, reason

_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("_codecs", "encode"),
    ("__builtin__", "bytes"),  # an empty array's data, in a pickle that Python 2 can read
    ("builtins", "bytes"),
}
"""All that arrays need. A pickle may call anything; one that wants more is refused."""


_WRONG = "is not a ground truth of Revisited Oxford or Paris"
_REMEDY = "fetch it again"
_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError)
"""Of a structure that is another one."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which data does not need")
        return super().find_class(module, name)


def _names(raw: Mapping, key: str, bare: BareNames) -> list[str]:
    names = [bare.of(str(name)) for name in raw[key]]
    if len(set(names)) != len(names):
        raise ValueError(f"{key} names an image twice")
    return names


def _query(image: str, entry: Mapping, database: list[str]) -> QueryLists:
    def listed(kind: str) -> tuple[str, ...]:
        places = np.asarray(entry[kind], dtype=np.int64).reshape(-1)
        if len(places) and not (places.min() >= 0 and places.max() < len(database)):
            raise ValueError(f"query {image}: {kind} points past the {len(database)} images")
        return tuple(database[place] for place in places)

    box = tuple(float(value) for value in np.asarray(entry["bbx"]).reshape(-1))
    if fault := unfit_box(box):
        raise ValueError(f"query {image}: {fault}")
    easy, hard, junk = (listed(kind) for kind in ("easy", "hard", "junk"))
    return QueryLists(image, "", image, box, easy, hard, junk)


def _unpickled(path: Path) -> object:
    if not path.is_file():
        raise GroundTruthError(f"{path} is {'no file' if path.exists() else 'missing'}")
    with foreign(GroundTruthError, f"{path} {_WRONG}", _REMEDY), open(path, "rb") as file:
        return _Unpickler(file, encoding="latin1").load()


def read_revisited(path: Path) -> list[QueryLists]:
    """Every query, sorted by name; easy images as `good`, hard ones as `ok`.

    Raises:
        GroundTruthError: not such a file, or one that would run code; names file and fault.
    """
    raw = _unpickled(path)
    try:
        bare = BareNames()
        database, images = _names(raw, "imlist", bare), _names(raw, "qimlist", bare)
        queries = [
            _query(image, entry, database) for image, entry in zip(images, raw["gnd"], strict=True)
        ]
    except NameClashError as error:
        raise GroundTruthError(f"{path}: {error}") from None
    except _FAULTS as error:
        raise GroundTruthError(
            f"{path} {_WRONG}: {type(error).__name__}: {reason(error)}; {_REMEDY}"
        ) from None
    if not queries:
        raise GroundTruthError(f"{path} has no queries")
    return with_landmarks(queries)
