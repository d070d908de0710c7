"""The manifest of a city's folder."""

import json
from collections.abc import Iterator
from pathlib import Path

from fuzz.mutations import json_changed
from pocketvlad.format.city_manifest import MANIFEST
from pocketvlad.format.error import FormatError
from pocketvlad.portable.city_folder import read_city_folder

SUFFIX = ".json"
NAME = MANIFEST
ERRORS = FormatError
_FILES = {
    "graph": "graph.onnx",
    "weights": "graph.weights.json",
    "model": "model.pvlad",
    "map": "map.pvmap",
}
changed = json_changed


def read(path: Path) -> None:
    for name in _FILES.values():
        (path.parent / name).touch()
    city = read_city_folder(path.parent)
    for name in city.files.values():
        assert (path.parent / name).resolve().parent == path.parent.resolve()
    assert city.threshold is None or -1 <= city.threshold <= 1
    city.title.encode()


def seeds() -> Iterator[bytes]:
    files = {what: {"name": name, "bytes": 0} for what, name in _FILES.items()}
    manifest = {"format": 1, "title": "K\u00f6ln", "threshold": 0.5, "files": files}
    yield json.dumps(manifest).encode()
    del files["weights"]
    yield json.dumps({**manifest, "threshold": None, "more": [1]}).encode()
