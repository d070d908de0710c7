"""The list beside a graph without weights."""

import json
from collections.abc import Iterator
from pathlib import Path

from fuzz.mutations import json_changed
from pocketvlad.format.error import FormatError
from pocketvlad.portable.weights_list import read_list

SUFFIX = ".weights.json"
ERRORS = FormatError
changed = json_changed


def read(path: Path) -> None:
    read_list(path)


def seeds() -> Iterator[bytes]:
    weight = {"initializer": "a", "path": "a", "tensor": "b", "shape": [2, 3]}
    yield json.dumps({"format": 1, "values": "decoded", "weights": [weight, weight]}).encode()
