"""What a compressed file holds: its tensors, and what each costs. Takes no torch."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from pocketvlad.format.compressed_file import open_compressed, read_compressed
from pocketvlad.format.inspection import LayerReport, by_part, layer_reports, summed


@dataclass(frozen=True)
class Contents:
    """What a file consists of.

    Attributes:
        header: how the model was made, and what images are to be like.
        layers: each layer's shape, zeros, coding and bytes, in the file's order.
        bytes: of the whole file.
    """

    header: dict[str, object]
    layers: list[LayerReport]
    bytes: int

    @property
    def header_bytes(self) -> int:
        """What belongs to no layer."""
        return self.bytes - sum(layer.bytes for layer in self.layers)

    @property
    def parts(self) -> list[LayerReport]:
        """The sums of the layers of each part of the network."""
        return list(by_part(self.layers).values())

    @property
    def total(self) -> LayerReport:
        """The sums of all layers; its bytes are those of the whole file."""
        return summed("total", self.layers, self.header_bytes)


def inspect(file: str | PathLike) -> Contents:
    """What a `.pvlad` file consists of, every layer decoded once.

    Raises:
        FormatError: the file is damaged or is no `.pvlad` file; names the file and the fault.
        OSError: it cannot be read.

    >>> import pocketvlad
    >>> contents = pocketvlad.inspect("small.pvlad")
    >>> contents.layers[0].name, contents.layers[0].shape, contents.layers[0].coding
    ('backbone.conv1.weight', (10, 3, 11, 11), 'symbols')
    >>> sum(layer.bytes for layer in contents.layers) + contents.header_bytes == contents.bytes
    True
    """
    path = Path(file)
    with open_compressed(path) as model:
        return Contents(model.header, layer_reports(model), path.stat().st_size)


def decode(file: str | PathLike) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """The weights that a `.pvlad` file stands for.

    Returns:
        (float32 tensors by name, in their layers' shapes; the file's header)

    Raises:
        FormatError: the file is damaged or is no `.pvlad` file; names the file and the fault.
        OSError: it cannot be read.

    >>> import pocketvlad
    >>> tensors, header = pocketvlad.decode("small.pvlad")
    >>> tensors["backbone.conv1.weight"].dtype, tensors["backbone.conv1.weight"].shape
    (dtype('float32'), (10, 3, 11, 11))
    >>> header["preprocessing"]["mean"]
    [127.5, 127.5, 127.5]
    """
    held = read_compressed(Path(file))
    return held.tensors, held.header
