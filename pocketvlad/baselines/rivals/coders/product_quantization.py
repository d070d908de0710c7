"""Product quantization, fitted to photographs (`pocketvlad.baselines.rivals.product`).

Numbers of entries are Huffman-coded where the papers store them plainly: 3 to 10 % fewer bytes.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.huffman import huffman, unhuffman
from pocketvlad.baselines.rivals.product.blocks import Blocked
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.format.error import FormatError
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role

if TYPE_CHECKING:
    from pocketvlad.compression.rd.calibration import Calibration

_CODES, _CODEBOOK, _ORDER, _SCALES = "/codes", "/codebook", "/order", "/scales"
_BYTE = 256  # entries that a byte can number


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One an entry of `rivals.product_quantization`, of the base model."""
    names = ("kernel_weights", "columns", "centres", "training_crops")
    found = []
    for settings in section.get("product_quantization", []):
        kernel_weights, columns, centres, crops = (settings[name] for name in names)
        found.append(
            Rival(
                f"product-quantization_{kernel_weights}-{columns}-{centres}-{crops}",
                f"product quantization, {kernel_weights} and {columns} by {centres}, {crops} crops",
                "product_quantization",
                "base",
                dict(settings),
                fitted=True,
            )
        )
    return found


def fit(
    calibration: "Calibration",
    kernel_weights: int,
    columns: int,
    centres: int,
    training_crops: int,
) -> tuple[dict[str, Blocked | QuantizedTensor | np.ndarray], dict[str, Role]]:
    """(layers, roles) of a base model: `Blocked`, and quantized clusters, and float32 arrays.

    Args:
        calibration: whose crops are those of `rd`.
        kernel_weights, columns, centres: see `quantize_layers`.
        training_crops: that the codebooks are fine-tuned on.
    """
    from pocketvlad.baselines.rivals.product.fit import fitted_layers

    return fitted_layers(calibration, kernel_weights, columns, centres, training_crops)


def _planes(codes: np.ndarray, entries: int) -> np.ndarray:
    """[P, N] uint8 The bytes of each number, lowest first: two where one cannot tell entries."""
    pairs = codes.astype("<u2").view(np.uint8).reshape(-1, 2)
    return pairs.T[: 1 if entries <= _BYTE else 2]


def encode(
    layers: Mapping[str, Blocked | QuantizedTensor | np.ndarray], roles: Mapping[str, Role]
) -> bytes:
    """`layers` as a file; what is not quantized in half precision."""
    arrays, blocked, quantized = {}, {}, {}
    for name, layer in layers.items():
        if isinstance(layer, Blocked):
            blocked[name] = layer.shape
            arrays[name + _CODEBOOK] = layer.codebook
            if (np.diff(layer.order.astype(np.int64)) != 1).any():
                arrays[name + _ORDER] = layer.order
            for number, plane in enumerate(_planes(layer.codes, len(layer.codebook))):
                arrays[f"{name}{_CODES}{number}"] = huffman(plane)
        elif isinstance(layer, QuantizedTensor):
            quantized[name] = layer.codes.shape
            arrays[f"{name}{_CODES}0"] = huffman(layer.codes.reshape(-1))
            arrays[name + _CODEBOOK] = layer.codebook
            if layer.scales is not None:
                arrays[name + _SCALES] = half(layer.scales)
        else:
            arrays[name] = half(layer)
    return pack(arrays, names=list(layers), blocked=blocked, quantized=quantized)


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that the file stands for.

    Raises:
        FormatError: the file is damaged; names the layer.
    """
    arrays, header = unpack(data)

    def codes(name: str, planes: int) -> np.ndarray:
        parts = [unhuffman(arrays[f"{name}{_CODES}{number}"]) for number in range(planes)]
        if any(len(part) != len(parts[0]) for part in parts):
            raise FormatError(f"layer {name}: the planes of its codes differ in length")
        found = sum(part.astype(np.uint16) << 8 * number for number, part in enumerate(parts))
        if (found >= len(arrays[name + _CODEBOOK])).any():
            raise FormatError(f"layer {name}: a code is beyond its codebook")
        return found

    tensors = {}
    for name in header["names"]:
        codebook = arrays.get(name + _CODEBOOK)
        if shape := header["blocked"].get(name):
            order = arrays.get(name + _ORDER, np.arange(shape[1]))
            found = codes(name, 1 if len(codebook) <= _BYTE else 2)
            tensors[name] = Blocked(found, codebook, order, tuple(shape)).decode()
        elif shape := header["quantized"].get(name):
            scales = arrays.get(name + _SCALES)
            scales = None if scales is None else scales.astype(np.float32)
            found = codes(name, 1).reshape(shape)
            tensors[name] = QuantizedTensor(found, codebook, scales).dequantize()
        else:
            tensors[name] = arrays[name].astype(np.float32)
    return tensors
