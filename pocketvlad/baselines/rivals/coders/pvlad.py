"""Our own file format in the rivals' place: the same symbols, timed in the same way."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pocketvlad.baselines.rivals.rival import Made, Rival, asked_cells, flat
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Label, Part, Role

OF_SYMBOLS = True
"""It is given quantized layers."""


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One a cell of `rivals.cells`."""
    return [
        Rival(f"pvlad_{flat(cell)}", "our format", "pvlad", cell, of_cell=True)
        for cell in asked_cells(section, made)
    ]


def encode(
    layers: Mapping[str, np.ndarray | QuantizedTensor],
    roles: Mapping[str, Role],
    header: Mapping[str, object],
    parts: Mapping[str, str],
    small: str,
) -> bytes:
    """The bytes of the `.pvlad` file that holds `layers` and `header`.

    Args:
        parts: of the network, that each layer belongs to.
        small: "float16" or "float32", for what is not quantized.
    """
    from pocketvlad.format.compressed_file import write_compressed
    from pocketvlad.format.contents import Contents

    quantized = {n: layer for n, layer in layers.items() if isinstance(layer, QuantizedTensor)}
    tensors = {n: getattr(layer, "codes", layer) for n, layer in layers.items()}
    # The layer that warms a coder up is of no network.
    labels = {name: Label(Part(parts.get(name, Part.BACKBONE)), roles[name]) for name in layers}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pvlad"
        write_compressed(path, Contents(tensors, labels, dict(header)), quantized, small)
        return path.read_bytes()


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that the file stands for.

    Raises:
        FormatError: the file is damaged.
    """
    from pocketvlad.format.compressed_file import read_compressed

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pvlad"
        path.write_bytes(data)
        return read_compressed(path).tensors
