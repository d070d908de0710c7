"""Uncompressed models: tensors, labels, and the network built."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzz.mutations import Change, json_changed, tree_changed
from fuzz.tiny import tiny_model
from pocketvlad.format.contents import read_contents
from pocketvlad.format.error import FormatError
from pocketvlad.networks.model import build_model

SUFFIX = ".safetensors"
ERRORS = FormatError
_GOLDEN = Path(__file__).parents[2] / "golden"
_KEY = "pocketvlad"


def read(path: Path) -> None:
    build_model(read_contents(path), path)


def _opened(data: bytes) -> tuple[dict, bytes]:
    [size] = struct.unpack_from("<Q", data)
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def _closed(text: bytes, content: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text + content


def changed(data: bytes, random: Random, change: Change) -> bytes:
    header, content = _opened(data)
    kind = random.random()
    if kind < 0.6:  # our own header is a text within the header
        about = header["__metadata__"]
        about[_KEY] = json_changed(about[_KEY].encode(), random, change).decode("latin1")
    elif kind < 0.9:
        header = tree_changed(header, random)
    else:
        content = change(content)[: len(content)].ljust(len(content), b"\0")
    return _closed(json.dumps(header).encode(), content)


def seeds() -> Iterator[bytes]:
    """A whole network; the headers of others with tensors of few numbers, which do not fit them;
    and a file that says little."""
    yield tiny_model(compressed=False)
    for name in ("version2", "version3"):
        header, _ = _opened((_GOLDEN / f"{name}.safetensors").read_bytes())
        tensors, at = {}, 0
        for key in list(header)[:6]:
            if key != "__metadata__":
                tensors[key] = {"dtype": "F32", "shape": [1], "data_offsets": [at, at + 4]}
                at += 4
        about = header["__metadata__"]
        own = json.loads(about[_KEY])
        if "labels" in own:
            own["labels"] = [each for each in own["labels"] if each[0] in tensors]
            about = {_KEY: json.dumps(own)}
        yield _closed(json.dumps({"__metadata__": about, **tensors}).encode(), bytes(at))
    tensor = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}
    about = {_KEY: json.dumps({"labels": [["a", "backbone", "bias"]]})}
    yield _closed(json.dumps({"__metadata__": about, "a": tensor}).encode(), bytes(4))
