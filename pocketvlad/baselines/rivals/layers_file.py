"""What coders are given and what they give back, as `.npz`: every environment reads it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role

_CODES, _COEFFICIENTS, _CODEBOOK, _SCALES = "/codes", "/coefficients", "/codebook", "/scales"
_INPUT_SCALES, _ON_TRELLIS = "/input_scales", "/on_trellis"
_ROLES = "/roles"

Layers = dict[str, np.ndarray | QuantizedTensor]


def write_layers(
    path: Path,
    layers: Mapping[str, np.ndarray | QuantizedTensor],
    roles: Mapping[str, Role] | None = None,
) -> None:
    """Write `layers`, and what each does where the reader must know."""
    arrays = {_ROLES: np.array([[name, role] for name, role in (roles or {}).items()], dtype=str)}
    for name, layer in layers.items():
        if not isinstance(layer, QuantizedTensor):
            arrays[name] = layer
            continue
        arrays[name + (_COEFFICIENTS if layer.transformed else _CODES)] = layer.codes
        arrays[name + _CODEBOOK] = layer.codebook
        if layer.scales is not None:
            arrays[name + _SCALES] = layer.scales
        if layer.input_scales is not None:
            arrays[name + _INPUT_SCALES] = layer.input_scales
        if layer.on_trellis:
            arrays[name + _ON_TRELLIS] = np.array(True)
    np.savez(path, **arrays)


def read_layers(path: Path) -> tuple[Layers, dict[str, Role]]:
    """(layers, roles), in the order in which they were written."""
    with np.load(path) as file:
        arrays = dict(file)
    roles = {str(name): Role(role) for name, role in arrays.pop(_ROLES).reshape(-1, 2)}
    layers: Layers = {}
    for key, array in arrays.items():
        if key.endswith((_CODES, _COEFFICIENTS)):
            name = key.rpartition("/")[0]
            layers[name] = QuantizedTensor(
                array,
                arrays[name + _CODEBOOK],
                arrays.get(name + _SCALES),
                key.endswith(_COEFFICIENTS),
                arrays.get(name + _INPUT_SCALES),
                name + _ON_TRELLIS in arrays,
            )
        elif not key.endswith((_CODEBOOK, _SCALES, _INPUT_SCALES, _ON_TRELLIS)):
            layers[key] = array
    return layers, roles
