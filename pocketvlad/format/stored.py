"""A model file of either kind, compressed or not."""

from pathlib import Path

from pocketvlad.format.compressed_file import MAGIC, open_compressed, read_compressed
from pocketvlad.format.contents import Contents, read_contents
from pocketvlad.format.roles import Part
from pocketvlad.util.size import float32_bytes

HEADER = "header"


def is_compressed(path: Path) -> bool:
    """Whether the file begins as a `.pvlad` file does, whatever it is called."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_stored(path: Path) -> Contents:
    """What a `.pvlad` or a `.safetensors` file holds.

    Raises:
        FormatError: the file cannot be decoded.
    """
    return (read_compressed if is_compressed(path) else read_contents)(path)


def bytes_by_part(path: Path) -> dict[str, int]:
    """Bytes of the file in backbone, pooling and projection, and in its header.

    Raises:
        FormatError: the file is not one of ours.
    """
    if is_compressed(path):
        with open_compressed(path) as model:
            sizes = [(layer.label.part, layer.bytes) for layer in model.layers]
    else:
        held = read_contents(path)
        sizes = [
            (held.labels[name].part, float32_bytes(tensor.size))
            for name, tensor in held.tensors.items()
        ]
    parts = {str(part): 0 for part in Part}
    for part, size in sizes:
        parts[part] += size
    return {**parts, HEADER: path.stat().st_size - sum(parts.values())}
