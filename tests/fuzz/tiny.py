"""The smallest whole model: good files of a few hundred bytes."""

import tempfile
from pathlib import Path

import torch

from pocketvlad.data.images import CENTRED
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import write_contents
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.networks.network import RetrievalNetwork

_PARTS = {
    "backbone": {"type": "efficientnet-lite0", "width": 0.01, "stages": 1},
    "pooling": {"type": "netvlad", "clusters": 2},
    "projection": {"type": "pca-whitening", "length": 2},
}


def tiny_model(compressed: bool) -> bytes:
    """A model as a `.pvlad` or a `.safetensors` file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = RetrievalNetwork(Architecture.of(_PARTS))
    contents = to_contents(Model(network, CENTRED, {"city": "none"}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        if compressed:
            write_compressed(path, contents, {})
        else:
            write_contents(path, contents)
        return path.read_bytes()
