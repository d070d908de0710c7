"""What the graph of a city says of itself, as onnxruntime hands it out: texts by name."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from fuzz.mutations import Change, json_changed
from pocketvlad.data.images import CENTRED
from pocketvlad.data.settings import Sizing
from pocketvlad.format.error import FormatError
from pocketvlad.portable.metadata import GraphMetadata

SUFFIX = ".json"
ERRORS = FormatError


def read(path: Path) -> None:
    try:
        texts = json.loads(path.read_bytes())
        texts = {str(name): str(text) for name, text in texts.items()}
    except Exception as error:  # no texts, which onnxruntime would not hand out
        raise FormatError(f"{path}: {error}") from None
    try:
        found = GraphMetadata.of_texts(texts)
    except ValueError as error:
        raise FormatError(f"{path}: {error}") from None
    width, height = found.sizing.fitted(640, 480)
    assert 0 < width * height <= 1 << 28
    assert json.loads(json.dumps(found.as_texts()))


def changed(data: bytes, random: Random, change: Change) -> bytes:
    texts = json.loads(data)
    name = random.choice(list(texts))
    texts[name] = json_changed(texts[name].encode(), random, change).decode("latin-1")
    return json.dumps(texts).encode()


def seeds() -> Iterator[bytes]:
    for sizing in (Sizing(480), Sizing(320).squeezed((320, 240))):
        found = GraphMetadata("00" * 32, CENTRED, sizing, 8, 16, "outside")
        yield json.dumps(found.as_texts()).encode()
