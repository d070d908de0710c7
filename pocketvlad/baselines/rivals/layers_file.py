"""What coders are given and what they give back, as `.npz`: every environment reads it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocketvlad.format.quantized_tensor import QuantizedTensor

_CODES, _COEFFICIENTS, _CODEBOOK, _SCALES = "/codes", "/coefficients", "/codebook", "/scales"


def write_layers(path: Path, layers: Mapping[str, np.ndarray | QuantizedTensor]) -> None:
    arrays = {}
    for name, layer in layers.items():
        if not isinstance(layer, QuantizedTensor):
            arrays[name] = layer
            continue
        arrays[name + (_COEFFICIENTS if layer.transformed else _CODES)] = layer.codes
        arrays[name + _CODEBOOK] = layer.codebook
        if layer.scales is not None:
            arrays[name + _SCALES] = layer.scales
    np.savez(path, **arrays)


def read_layers(path: Path) -> dict[str, np.ndarray | QuantizedTensor]:
    """The layers, in the order in which they were written."""
    with np.load(path) as file:
        arrays = dict(file)
    layers: dict[str, np.ndarray | QuantizedTensor] = {}
    for key, array in arrays.items():
        if key.endswith((_CODES, _COEFFICIENTS)):
            name = key.rpartition("/")[0]
            codebook, scales = arrays[name + _CODEBOOK], arrays.get(name + _SCALES)
            layers[name] = QuantizedTensor(array, codebook, scales, key.endswith(_COEFFICIENTS))
        elif not key.endswith((_CODEBOOK, _SCALES)):
            layers[key] = array
    return layers
