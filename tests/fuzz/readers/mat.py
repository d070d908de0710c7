"""Networks as MatConvNet saves them."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from scipy.io import savemat

from fuzz.mutations import Change
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.matconvnet_file import convolution_of, read_matconvnet
from pocketvlad.networks.weights.placing import fitting

SUFFIX = ".mat"
ERRORS = WeightsError
_HEAD = 128
_COMPRESSED = 15


def read(path: Path) -> None:
    network = read_matconvnet(path)
    for layer in network.layers:
        kernels, biases = convolution_of(layer, path)
        fitting(kernels, kernels.shape, path, layer.name)
        fitting(biases, biases.shape, path, layer.name)


def changed(data: bytes, random: Random, change: Change) -> bytes:
    """A compressed element is unpacked, changed and packed again."""
    kind, size = struct.unpack_from("<II", data, _HEAD)
    if kind != _COMPRESSED or random.random() < 0.1:
        return change(data)
    begin = _HEAD + 8
    packed = zlib.compress(change(zlib.decompress(data[begin : begin + size])), 1)
    head = data[:_HEAD] + struct.pack("<II", kind, len(packed))
    return head + packed + data[begin + size :]


def _saved(variables: dict, **options: object) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables, **options)
    return buffer.getvalue()


def seeds() -> Iterator[bytes]:
    weights = np.empty((1, 2), object)
    weights[0] = [np.ones((2, 2, 1, 1), np.float32), np.zeros((1, 1), np.float32)]
    layers = np.empty((1, 2), object)
    layers[0] = [{"name": "a", "type": "conv", "weights": weights}, {"name": "b", "type": "relu"}]
    mean = {"normalization": {"averageImage": np.full((1, 1, 3), 9.0)}}
    yield _saved({"net": {"layers": layers, "meta": mean}})
    yield _saved({"layers": layers, **mean}, do_compression=True)
    yield _saved({"layers": np.zeros((1, 1))}, format="4")
