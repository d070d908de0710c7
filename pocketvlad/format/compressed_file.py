"""A compressed model as one file, and back. docs/format.md gives the layout.

The file is what the study measures: its bytes are the size in the table, and evaluation reads the
network back from it. Layers are decoded one by one, so that the memory in use is the decoded model
and one layer.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pocketvlad.format import version2, whole_multiples
from pocketvlad.format.contents import Contents
from pocketvlad.format.error import AGAIN, CUT_SHORT, FormatError, naming
from pocketvlad.format.header_json import parsed_header
from pocketvlad.format.layer_coding import decode_layer, encode_layer
from pocketvlad.format.layer_list import (
    FLOATS,
    VERSION,
    Layer,
    layer_of,
    require_bytes,
    require_count,
    require_shape,
    require_text,
)
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role
from pocketvlad.util.atomic import replacing
from pocketvlad.util.counted import counted
from pocketvlad.util.shown import shown

MAGIC = b"\x89PVLAD\r\n"  # no text, and damaged where line ends are rewritten
_READABLE = (version2.VERSION, VERSION)
MAX_WEIGHTS = 1 << 29
"""Weights of one file, by default: VGG16 with a 4096-D whitening has 149 million."""

_PREFIX = struct.Struct("<8sHII")  # magic, version, bytes and CRC-32 of the header
_MAX_HEADER = 1 << 20  # bytes, packed or unpacked


def _plain_coding(tensor: np.ndarray, role: Role, small: str) -> str:
    """How a tensor that is not quantized is stored. Half precision is for biases, which can bear
    it; the variances of a batch normalisation, say, cannot."""
    fits = np.abs(tensor).max(initial=0) <= np.finfo(FLOATS[small]).max
    return small if fits and role is not Role.OTHER else "float32"


def _payload(
    tensor: np.ndarray, quantized: QuantizedTensor | None, role: Role, small: str
) -> tuple[str, bytes]:
    """(coding, bytes) of one tensor. A layer of few weights may be shorter without codebook, and
    biases as whole multiples."""
    if quantized is None:
        coding = _plain_coding(tensor, role, small)
        rounded = tensor.astype(FLOATS[coding])
        _require_finite(rounded)
        plain = rounded.tobytes()
        # As they are, or as they would be stored: a decoded file is written as the same bytes.
        for values in (tensor, rounded) if role is Role.BIAS else ():
            multiples = whole_multiples.encode(values.astype(np.float32))
            if multiples is not None and len(multiples) < len(plain):
                return "multiples", multiples
        return coding, plain
    coded = encode_layer(quantized)
    if len(coded) < 4 * quantized.codes.size:
        return "symbols", coded
    plain = quantized.dequantize().astype("<f4")
    _require_finite(plain)
    return "float32", plain.tobytes()


def write_compressed(
    path: Path,
    contents: Contents,
    quantized: Mapping[str, QuantizedTensor],
    small: str = "float32",
) -> int:
    """Write a model with the tensors in `quantized` replaced by their codes; whole or not at all.

    Args:
        contents: tensors and labels of the network; the header also says how it was compressed.
        small: "float16" or "float32", for the biases.

    Returns:
        the file's size in bytes.

    Raises:
        ValueError: a weight is not finite, or there are more than `MAX_WEIGHTS`.
        FormatError: no reader would take the file: too many layers, dimensions or levels, a scale
            that half precision cannot hold, a header that is too long, and so on. Nothing is
            written.
    """
    total = sum(tensor.size for tensor in contents.tensors.values())
    if total > MAX_WEIGHTS:
        raise ValueError(f"{path}: {total} weights; a file may hold {MAX_WEIGHTS}")
    with naming(path):
        require_count(len(contents.tensors))
        for name, tensor in contents.tensors.items():  # before the first is coded: that takes time
            with naming(f"layer {shown(name[:80])}"):
                require_text(name)
                require_shape(tensor.shape)
    layers, payloads = [], []
    for name, tensor in contents.tensors.items():
        held = quantized[name].codebook if name in quantized else tensor
        if not np.isfinite(held).all():
            raise ValueError(
                f"{path}: {name} is not finite: its training diverged; lower the learning rate"
            )
        label = contents.labels[name]
        with naming(f"{path}: layer {name}"):
            coding, payload = _payload(tensor, quantized.get(name), label.role, small)
            require_bytes(len(payload))
        sizes = tensor.shape, coding, len(payload), zlib.crc32(payload)
        layers.append(Layer(name, label, *sizes).as_list())
        payloads.append(payload)
    with naming(path):
        packed = _packed_header({**contents.header, "layers": layers})
    with replacing(path) as unfinished, open(unfinished, "wb") as file:
        file.write(_PREFIX.pack(MAGIC, VERSION, len(packed), zlib.crc32(packed)))
        file.writelines([packed, *payloads])
    return path.stat().st_size


def _require_finite(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise FormatError("a weight is not finite")


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise FormatError(
            f"the file ends {counted(size - len(data), 'byte')} too early; {CUT_SHORT}"
        )
    return data


def _require_header_bytes(size: int) -> None:
    if size > _MAX_HEADER:
        raise FormatError(f"a header of {size} bytes; at most {_MAX_HEADER} are allowed")


def _packed_header(header: Mapping[str, object]) -> bytes:
    """As the file has it; a reader takes it."""
    try:
        text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the header cannot be written: {error}") from None
    _require_header_bytes(len(text))
    packed = zlib.compress(text, 9)
    _require_header_bytes(len(packed))
    _unpacked_header(packed)
    return packed


def _unpacked_header(packed: bytes) -> tuple[dict[str, object], list[object]]:
    """(header, its list of layers) from the inverse of `_packed_header`."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(packed, _MAX_HEADER)
        if not unpacker.eof or unpacker.unused_data:
            raise FormatError("the header is too long or incomplete")
        header = parsed_header(text)
        entries = header.pop("layers")
    except (zlib.error, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"the header cannot be read: {error}") from None
    if not isinstance(entries, list):
        raise FormatError("the header has no list of layers")
    require_count(len(entries))
    return header, entries


def _read_header(file: BinaryIO, max_weights: int) -> tuple[dict[str, object], list[Layer]]:
    magic, version, size, crc = _PREFIX.unpack(_exactly(file, _PREFIX.size))
    if magic != MAGIC:
        raise FormatError("it does not begin as a .pvlad file does; give one")
    if version not in _READABLE:
        raise FormatError(
            f"format version {version} is unknown; this program reads "
            f"{' and '.join(map(str, _READABLE))}: take the one that wrote it, or compress the "
            "model again"
        )
    _require_header_bytes(size)
    packed = _exactly(file, size)
    if zlib.crc32(packed) != crc:
        raise FormatError(f"the header is damaged (checksum); {AGAIN}")
    header, entries = _unpacked_header(packed)
    layers = [layer_of(entry, version) for entry in entries]
    if len({layer.name for layer in layers}) != len(layers):
        raise FormatError("the header lists a layer twice")
    total = sum(layer.weights for layer in layers)
    if total > max_weights:
        raise FormatError(f"the header claims {total} weights; at most {max_weights} are allowed")
    return version2.header(header) if version == version2.VERSION else header, layers


def _decode(layer: Layer, payload: bytes) -> np.ndarray | QuantizedTensor:
    if zlib.crc32(payload) != layer.crc32:
        raise FormatError(f"damaged (checksum); {AGAIN}")
    if layer.coding == "symbols":
        return decode_layer(payload, layer.shape)
    if layer.coding == "multiples":
        return whole_multiples.decode(payload, layer.weights).reshape(layer.shape)
    dtype = FLOATS[layer.coding]
    if len(payload) != layer.weights * dtype.itemsize:
        raise FormatError(f"{len(payload)} bytes for {layer.weights} weights in {layer.coding}")
    values = np.frombuffer(payload, dtype).astype(np.float32)
    _require_finite(values)
    return values.reshape(layer.shape)


class CompressedModel:
    """An open file whose layers are decoded when they are asked for."""

    def __init__(self, file: BinaryIO, max_weights: int = MAX_WEIGHTS) -> None:
        """Read the header; it must account for every byte of `file`.

        Raises:
            FormatError: damaged, truncated, hostile, or of an unknown version.
        """
        self._file = file
        self.header, self.layers = _read_header(file, max_weights)
        self._begin = file.tell()
        size = file.seek(0, os.SEEK_END) - self._begin
        declared = sum(layer.bytes for layer in self.layers)
        if size != declared:
            remedy = CUT_SHORT if size < declared else AGAIN
            raise FormatError(f"{size} bytes of layers found, {declared} declared; {remedy}")

    @property
    def weights(self) -> int:
        """That the file stands for, biases and all else included."""
        return sum(layer.weights for layer in self.layers)

    def __iter__(self) -> Iterator[tuple[Layer, np.ndarray | QuantizedTensor]]:
        """(layer, what it holds), in the file's order; read as it goes.

        Raises:
            FormatError: a layer is damaged; names it.
        """
        self._file.seek(self._begin)
        for layer in self.layers:
            try:
                yield layer, _decode(layer, _exactly(self._file, layer.bytes))
            except FormatError as error:
                raise FormatError(f"layer {layer.name}: {error}") from None


@contextmanager
def open_compressed(path: Path, max_weights: int = MAX_WEIGHTS) -> Iterator[CompressedModel]:
    """The model in `path`, its header read.

    Args:
        max_weights: a file that claims more is refused before anything is decoded.

    Raises:
        FormatError: damaged, truncated, hostile, or of an unknown version; names the file.
    """
    with open(path, "rb") as file:
        try:
            yield CompressedModel(file, max_weights)
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None


def read_compressed(path: Path) -> Contents:
    """What the file decodes to, in float32.

    Raises:
        FormatError: the file cannot be decoded; names file and layer.
    """
    with open_compressed(path) as model:
        tensors = {
            layer.name: held.dequantize() if isinstance(held, QuantizedTensor) else held
            for layer, held in model
        }
        labels = {layer.name: layer.label for layer in model.layers}
        return Contents(tensors, labels, model.header)
