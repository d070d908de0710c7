"""Maps: opened, searched, compared with a model, verified."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from fuzz.mutations import Change, json_changed
from pocketvlad.format.error import FormatError
from pocketvlad.format.map_file import MapFile
from pocketvlad.maps.place_map import MapError, PlaceMap

SUFFIX = ".pvmap"
ERRORS = (FormatError, MapError)
_GOLDEN = Path(__file__).parents[2] / "golden"
_PREFIX = struct.Struct("<8sHHIII")
_BLOCK = 1 << 16
_MADE = {
    "model_sha256": "00" * 32,
    "preprocessing": {"mean": [0.0] * 3, "std": [1.0] * 3},
    "sizing": {"image_size": 480, "interpolation": "bilinear", "decoder_scaling": False},
}


def read(path: Path) -> None:
    with PlaceMap(path) as places:
        row = np.ones((1, places.code.components), np.float32)
        [found] = places.search(row, 3, 1)
        places.search(row, 3)
        for place in found.numbers.tolist():
            places.file.names(place, place + 1)
            places.file.position(place)
        places.verify()
        places.require_made_with(json.dumps(_MADE))


def _opened(data: bytes) -> tuple[dict, list[bytes]]:
    _, _, _, size, count, _ = _PREFIX.unpack_from(data)
    header = json.loads(data[_PREFIX.size : _PREFIX.size + size])
    at, parts = _PREFIX.size + size + 4 * count, []
    for _, kind, shape in header["sections"]:
        at = -(-at // 64) * 64
        end = at + int(np.prod(shape)) * np.dtype(kind).itemsize
        parts.append(data[at:end])
        at = end
    return header, parts


def _closed(text: bytes, parts: list[bytes]) -> bytes:
    blocks = [part[n : n + _BLOCK] for part in parts for n in range(0, len(part), _BLOCK)]
    sums = struct.pack(f"<{len(blocks)}I", *map(zlib.crc32, blocks))
    crc = zlib.crc32(sums, zlib.crc32(text))
    data = _PREFIX.pack(b"\x89PVMAP\r\n", 1, 0, len(text), len(blocks), crc) + text + sums
    for part in parts:
        data += bytes(-len(data) % 64) + part
    return data


def changed(data: bytes, random: Random, change: Change) -> bytes:
    header, parts = _opened(data)
    if random.random() < 0.5:
        return _closed(json_changed(json.dumps(header).encode(), random, change), parts)
    number = random.randrange(len(parts))
    size = len(parts[number])
    parts[number] = change(parts[number])[:size].ljust(size, b"\0")
    return _closed(json.dumps(header).encode(), parts)


def seeds() -> Iterator[bytes]:
    for name in ("map1-lists", "map1-reranked"):
        with MapFile(_GOLDEN / f"{name}.pvmap"):
            yield (_GOLDEN / f"{name}.pvmap").read_bytes()
    code = {"type": "bits"}
    names, ends = b"a.jpgb.jpg", np.array([5, 10], "<u4").tobytes()
    arrays = {
        "names": ("uint8", [10], names),
        "name_ends": ("uint32", [2], ends),
        "code.components": ("int32", [1], np.array([8], "<i4").tobytes()),
        "code.levels": ("float32", [2, 8], np.linspace(-1, 1, 16).astype("<f4").tobytes()),
        "codes": ("uint8", [2, 1], b"\x0f\x55"),
    }
    for kind, more in (
        ("bits", {}),
        ("rotated-bits", {"code.signs": ("uint8", [2, 1], b"\x01\x02")}),
        ("float32", {"codes": ("uint8", [2, 32], np.ones(16, "<f4").tobytes())}),
        ("float16", {"codes": ("uint8", [2, 16], np.ones(16, "<f2").tobytes())}),
    ):
        held = {**arrays, **more}
        if kind.startswith("float"):
            del held["code.levels"]
        sections = [[name, each[0], each[1]] for name, each in held.items()]
        header = {"places": 2, "code": {**code, "type": kind}, "provenance": _MADE}
        text = json.dumps({**header, "sections": sections}).encode()
        yield _closed(text, [each[2] for each in held.values()])
