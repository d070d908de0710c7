"""Compressed models: every layer decoded, and the network built."""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from fuzz.mutations import Change, json_changed
from fuzz.tiny import tiny_model
from pocketvlad.format.compressed_file import MAGIC, open_compressed
from pocketvlad.format.contents import Contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.layer_coding import encode_layer
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.networks.model import build_model

SUFFIX = ".pvlad"
ERRORS = FormatError
_MOST = 1 << 20  # weights; the default bound is that of the largest network
_GOLDEN = Path(__file__).parents[2] / "golden"
_VERSION3 = ("gem", "multiples", "inputs", "trellis")
_PREFIX = struct.Struct("<8sHII")


def read(path: Path) -> None:
    with open_compressed(path, _MOST) as model:
        tensors = {
            layer.name: held.dequantize() if isinstance(held, QuantizedTensor) else held
            for layer, held in model
        }
        labels = {layer.name: layer.label for layer in model.layers}
        contents = Contents(tensors, labels, model.header)
    build_model(contents, path)


def _closed(header: dict, payloads: list[bytes], version: int) -> bytes:
    for layer, payload in zip(header["layers"], payloads, strict=False):
        if isinstance(layer, list) and len(layer) >= 2:
            layer[-2:] = [len(payload), zlib.crc32(payload)]
    return _with_header(json.dumps(header).encode(), payloads, version)


def _with_header(text: bytes, payloads: list[bytes], version: int) -> bytes:
    packed = zlib.compress(text, 1)
    prefix = _PREFIX.pack(MAGIC, version, len(packed), zlib.crc32(packed))
    return b"".join([prefix, packed, *payloads])


def _opened(data: bytes) -> tuple[dict, list[bytes], int]:
    _, version, size, _ = _PREFIX.unpack_from(data)
    begin = _PREFIX.size + size
    header = json.loads(zlib.decompress(data[_PREFIX.size : begin]))
    file = io.BytesIO(data[begin:])
    return header, [file.read(max(0, layer[-2])) for layer in header["layers"]], version


def _number(value: int) -> bytes:
    """Seven bits a byte."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _number(value >> 7)


def _side_changed(payload: bytes, change: Change) -> bytes:
    """What goes before the symbols, unpacked, changed, packed again."""
    size = at = 0
    while True:
        size |= (payload[at] & 127) << 7 * at
        at += 1
        if payload[at - 1] < 128:
            break
    side = change(zlib.decompress(payload[at : at + size], -15))
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = packer.compress(side) + packer.flush()
    return _number(len(packed)) + packed + payload[at + size :]


def changed(data: bytes, random: Random, change: Change) -> bytes:
    header, payloads, version = _opened(data)
    kind = random.random()
    if kind < 0.4:
        text = json_changed(json.dumps(header).encode(), random, change)
        if random.random() < 0.1:
            return _with_header(text, payloads, version)
        header = json.loads(text)
        if not (isinstance(header, dict) and isinstance(header.get("layers"), list)):
            return _with_header(text, payloads, version)
    else:
        number = random.randrange(len(payloads))
        symbols = header["layers"][number][-3] == "symbols"
        how = _side_changed if symbols and kind < 0.75 else lambda payload, change: change(payload)
        payloads[number] = how(payloads[number], change)
    return _closed(header, payloads, random.choice((version, version, version, 2, 3)))


def _without(path: Path, kept: int) -> bytes:
    """A golden file of which only the smallest layers are left, in a network that lacks them."""
    header, payloads, version = _opened(path.read_bytes())
    order = sorted(range(len(payloads)), key=lambda number: len(payloads[number]))[:kept]
    header["layers"] = [header["layers"][number] for number in sorted(order)]
    return _closed(header, [payloads[number] for number in sorted(order)], version)


def _tiny() -> Iterator[bytes]:
    """Layers that take every way through the decoder, in few bytes."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, (4, 3, 2, 2), dtype=np.uint8)
    levels = np.array([0, -0.5, 0.25], np.float32)
    grid = np.array([0, -1, 0, 1], np.float32)
    scales = np.array([1, 2, 0.5, 4], np.float32)
    for tensor in (
        QuantizedTensor(codes, levels),
        QuantizedTensor(codes, grid, scales, True, scales[:3]),
    ):
        payload = encode_layer(tensor)
        layer = ["a", "backbone", "convolution", [4, 3, 2, 2], "symbols", len(payload), 0]
        yield _closed({"layers": [layer]}, [payload], 3)


def seeds() -> Iterator[bytes]:
    for name in ("version2", *(f"version3-{each}" for each in _VERSION3)):
        yield (_GOLDEN / f"{name}.pvlad").read_bytes()
    yield tiny_model(compressed=True)
    yield _without(_GOLDEN / "version3-multiples.pvlad", 4)
    yield from _tiny()
