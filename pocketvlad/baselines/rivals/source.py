"""What a coder is given: the tensors of a model, or a cell's symbols."""

from pathlib import Path

import numpy as np

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.tensor_file import read_tensors

Layers = dict[str, np.ndarray | QuantizedTensor]


def _exact_in_half(layer: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(layer.astype(np.float16).astype(np.float32), layer)


def read_source(path: Path, of_cell: bool) -> tuple[Layers, dict[str, object]]:
    """(layers, header) of a `.safetensors` file, or of a cell's `.pvlad` file as it holds them.

    Raises:
        FormatError: the file is damaged.
    """
    if not of_cell:
        return read_tensors(path)
    with open_compressed(path) as model:
        header = {key: value for key, value in model.header.items() if key != "layers"}
        return {layer.name: held for layer, held in model}, header


def our_settings(layers: Layers, header: dict[str, object]) -> dict[str, object]:
    """With which the coder `pvlad` writes the file that both were read from."""
    plain = [layer for layer in layers.values() if isinstance(layer, np.ndarray)]
    return {"header": header, "small": "float16" if all(map(_exact_in_half, plain)) else "float32"}


def decoded_layers(layers: Layers) -> dict[str, np.ndarray]:
    """The float32 tensors that `layers` stand for."""
    return {
        name: layer.dequantize() if isinstance(layer, QuantizedTensor) else layer
        for name, layer in layers.items()
    }
