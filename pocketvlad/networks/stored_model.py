"""Any model file, compressed or not: as a network, and what its parts weigh."""

from pathlib import Path

from pocketvlad.format.compressed_file import MAGIC, open_compressed, read_compressed
from pocketvlad.format.parameters import layer_kind
from pocketvlad.format.tensor_file import read_tensors
from pocketvlad.networks.model_file import Model, build_model
from pocketvlad.util.size import float32_bytes


def is_compressed(path: Path) -> bool:
    """Whether the file begins as a `.pvlad` file does, whatever it is called."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_stored(path: Path) -> Model:
    """The network that a `.pvlad` or a `.safetensors` file holds.

    Raises:
        FormatError: the file cannot be decoded, or does not fit its own header.
    """
    return build_model(*(read_compressed if is_compressed(path) else read_tensors)(path), path)


def bytes_by_kind(path: Path) -> dict[str, int]:
    """Bytes of the file in convolutions, netvlad, whitening, and in the header.

    Raises:
        FormatError: the file is not one of ours.
    """
    if is_compressed(path):
        with open_compressed(path) as model:
            sizes = [(layer.name, layer.bytes) for layer in model.layers]
    else:
        sizes = [
            (name, float32_bytes(tensor.size)) for name, tensor in read_tensors(path)[0].items()
        ]
    kinds = dict.fromkeys(("conv", "netvlad", "whitening"), 0)
    for name, size in sizes:
        kinds[layer_kind(name)] += size
    return {**kinds, "header": path.stat().st_size - sum(kinds.values())}
