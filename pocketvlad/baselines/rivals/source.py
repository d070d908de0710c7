"""What a coder is given: the tensors of a model, or a cell's symbols."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pocketvlad.baselines.rivals.layers_file import Layers
from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Label, Role


def _exact_in_half(layer: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(layer.astype(np.float16).astype(np.float32), layer)


@dataclass(frozen=True)
class Given:
    """layers: as the file holds them.  labels: of each.  header: all else."""

    layers: Layers
    labels: dict[str, Label]
    header: dict[str, object]

    @property
    def roles(self) -> dict[str, Role]:
        return {name: label.role for name, label in self.labels.items()}


def read_source(path: Path, of_cell: bool) -> Given:
    """A `.safetensors` file, or a cell's `.pvlad` file with the symbols that it holds.

    Raises:
        FormatError: the file is damaged.
    """
    if not of_cell:
        held = read_contents(path)
        return Given(held.tensors, held.labels, held.header)
    with open_compressed(path) as model:
        labels = {layer.name: layer.label for layer in model.layers}
        return Given({layer.name: held for layer, held in model}, labels, model.header)


def our_settings(given: Given) -> dict[str, object]:
    """The settings by which the coder `pvlad` writes the file that was read."""
    plain = [
        layer
        for name, layer in given.layers.items()
        if isinstance(layer, np.ndarray) and given.labels[name].role in (Role.BIAS, Role.KEPT)
    ]
    return {
        "header": given.header,
        "parts": {name: label.part for name, label in given.labels.items()},
        "small": "float16" if all(map(_exact_in_half, plain)) else "float32",
    }


def decoded_layers(layers: Layers) -> dict[str, np.ndarray]:
    """The float32 tensors that `layers` stand for."""
    return {
        name: layer.dequantize() if isinstance(layer, QuantizedTensor) else layer
        for name, layer in layers.items()
    }
