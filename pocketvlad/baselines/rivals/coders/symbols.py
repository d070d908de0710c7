"""A quantized model whose symbols a general-purpose compressor codes: zstd at its level 19, or xz.

Nothing is lost: the model is that of the cell, and so are its scores.
"""

import lzma
from collections.abc import Callable, Mapping

import numpy as np

from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.rival import Made, Rival, asked_cells, flat
from pocketvlad.format.error import FormatError
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role

_CODEBOOK, _SCALES, _INPUT_SCALES = "/codebook", "/scales", "/input_scales"
OF_SYMBOLS = True
"""It is given quantized layers."""

ZSTD_LEVEL = 19
XZ_PRESET = 9


def _zstd(symbols: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(symbols)


def _unzstd(coded: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdDecompressor().decompress(coded)


def _xz(symbols: bytes) -> bytes:
    return lzma.compress(symbols, preset=XZ_PRESET)


_METHODS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "zstd": (_zstd, _unzstd),
    "xz": (_xz, lzma.decompress),
}
METHODS = tuple(_METHODS)


_WORDS = {"zstd": f"zstd -{ZSTD_LEVEL}", "xz": "xz"}


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One a cell of `rivals.cells` and method."""
    return [
        Rival(f"{method}_{flat(cell)}", _WORDS[method], "symbols", cell, {"method": method}, True)
        for cell in asked_cells(section, made)
        for method in METHODS
    ]


def _code_type(codebook: np.ndarray) -> np.dtype:
    return np.dtype(np.uint8 if len(codebook) <= 256 else "<u2")


def encode(
    layers: Mapping[str, np.ndarray | QuantizedTensor], roles: Mapping[str, Role], method: str
) -> bytes:
    """`layers` as a file: symbols by `method`, a byte each before it, or two where there are more
    than 256; biases in half precision."""
    compress, _ = _METHODS[method]
    arrays, shapes, transformed = {}, {}, []
    for name, layer in layers.items():
        if not isinstance(layer, QuantizedTensor):
            halved = half(layer)
            exact = np.array_equal(halved.astype(np.float32), layer)
            arrays[name] = halved if exact else layer
            continue
        shapes[name] = layer.codes.shape
        if layer.transformed:
            transformed.append(name)
        codes = layer.codes.astype(_code_type(layer.codebook))
        arrays[name] = np.frombuffer(compress(codes.tobytes()), np.uint8)
        arrays[name + _CODEBOOK] = layer.codebook
        for key, scales in ((_SCALES, layer.scales), (_INPUT_SCALES, layer.input_scales)):
            if scales is not None:
                arrays[name + key] = scales.astype(np.float16)
    about = {"names": list(layers), "shapes": shapes, "transformed": transformed}
    return pack(arrays, **about, method=method)


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that the file stands for.

    Raises:
        FormatError: the file is damaged, or its method unknown.
    """
    arrays, header = unpack(data)
    if header["method"] not in _METHODS:
        raise FormatError(f"method {header['method']!r} is unknown; known are {', '.join(METHODS)}")
    _, decompress = _METHODS[header["method"]]
    tensors = {}
    for name in header["names"]:
        if name not in header["shapes"]:
            tensors[name] = arrays[name].astype(np.float32)
            continue
        own_type = _code_type(arrays[name + _CODEBOOK])
        codes = np.frombuffer(decompress(arrays[name].tobytes()), own_type)
        scales, input_scales = (
            arrays[name + key].astype(np.float32) if name + key in arrays else None
            for key in (_SCALES, _INPUT_SCALES)
        )
        tensors[name] = QuantizedTensor(
            codes.reshape(header["shapes"][name]),
            arrays[name + _CODEBOOK],
            scales,
            name in header["transformed"],
            input_scales,
        ).dequantize()
    return tensors
