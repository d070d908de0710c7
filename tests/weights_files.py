"""Weights files of the published structures, as small as a test needs them."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.io import savemat

from pocketvlad.networks.weights.sources import SOURCES

# Where torchvision's networks have their convolutions.
VGG16_NUMBERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
ALEXNET_NUMBERS = (0, 3, 6, 8, 10)
VGG16_NAMES = [
    f"conv{stage}_{number}"
    for stage, repeats in enumerate((2, 2, 3, 3, 3), start=1)
    for number in range(1, repeats + 1)
]


def cell(items):
    """A MATLAB cell of one row."""
    array = np.empty((1, len(items)), dtype=object)
    for index, item in enumerate(items):
        array[0, index] = item
    return array


def kernels(generator, size, incoming, outgoing):
    """He-initialised kernels [H, W, I, O] and biases, as MatConvNet keeps them."""
    scale = np.sqrt(2 / (size * size * incoming))
    weight = generator.normal(0, scale, (size, size, incoming, outgoing))
    return weight.astype(np.float32), generator.normal(size=(1, outgoing)).astype(np.float32)


def kernels_of_torch(weight):
    """[H, W, I, O] -> [O, I, H, W]"""
    return torch.from_numpy(np.transpose(weight, (3, 2, 0, 1)).copy())


def state_of(numbers, pairs):
    """A state dict as torchvision saves one, with a classifier that is of no use."""
    state = {"classifier.0.weight": torch.full((2, 2), torch.nan)}
    for number, (weight, bias) in zip(numbers, pairs, strict=True):
        state[f"features.{number}.weight"] = kernels_of_torch(weight)
        state[f"features.{number}.bias"] = torch.from_numpy(bias).flatten()
    return state


def layer(name, kind, *arrays, **more):
    """A struct of a layer; one without arrays has an empty cell of weights."""
    return {"name": name, "type": kind, "weights": cell(arrays), **more}


def vgg16_kernels(generator, channels):
    """13 pairs of kernels and biases. channels: those of the five stages."""
    pairs, incoming = [], 3
    for outgoing, repeats in zip(channels, (2, 2, 3, 3, 3), strict=True):
        for _ in range(repeats):
            pairs.append(kernels(generator, 3, incoming, outgoing))
            incoming = outgoing
    return pairs


def vgg16_layers(pairs):
    """VGG16's layers without the last ReLU and pool: 29 of them."""
    layers = []
    for name, pair in zip(VGG16_NAMES, pairs, strict=True):
        if name.endswith("_1") and name != "conv1_1":
            layers.append(layer(f"pool{int(name[4]) - 1}", "pool", stride=2.0, pool=2.0))
        layers.append(layer(name, "conv", *pair, pad=1.0, stride=1.0))
        layers.append({"name": f"relu{name[4:]}", "type": "relu"})
    return layers[:-1]


def pitts30k_layers(pairs, assignment, minus_centres, whitening):
    """The 35 layers of Pitts30K_struct.mat: NetVLAD is number 30, the whitening number 33."""
    layers = [
        *vgg16_layers(pairs),
        {"name": "preL2", "type": "normalize", "param": np.array([[1e5, 1e-12, 1.0, 0.5]])},
        layer("vlad:core", "custom", assignment, minus_centres, K=64.0, D=512.0),
        {"name": "vlad:intranorm", "type": "custom"},
        {"name": "postL2", "type": "custom"},
        layer("WPCA", "conv", *whitening),
        {"name": "finalL2", "type": "custom"},
    ]
    assert layers[30]["name"] == "vlad:core"
    assert layers[33]["name"] == "WPCA"
    return layers


def alexnet_layers(pairs, connected):
    """Caffe's AlexNet with its fully connected layers, which are convolutions to MatConvNet."""
    layers = []
    for number, pair in enumerate(pairs, start=1):
        layers.append(layer(f"conv{number}", "conv", *pair))
        layers.append({"name": f"relu{number}", "type": "relu"})
        if number in (1, 2, 5):
            layers.append({"name": f"pool{number}", "type": "pool", "method": "max"})
        if number in (1, 2):
            norm = np.array([[5, 1, 2e-5, 0.75]])
            layers.append({"name": f"norm{number}", "type": "normalize", "param": norm})
    for number, pair in enumerate(connected, start=6):
        layers.append(layer(f"fc{number}", "conv", *pair))
        layers.append({"name": f"relu{number}", "type": "relu"})
    return [*layers[:-1], {"name": "prob", "type": "softmax"}]


def normalization(average_image):
    return {"normalization": {"averageImage": average_image, "imageSize": np.array([[4.0, 5, 3]])}}


# --- what scipy cannot write: an object of a MATLAB class. The format is that of MathWorks'
# "MAT-File Format", chapter 1; class 17 is the one that it leaves undocumented.

_INT8, _INT32, _UINT32, _MATRIX = 1, 5, 6, 14
_CELL, _STRUCT, _CHAR, _DOUBLE, _OPAQUE = 1, 2, 4, 6, 17


def _element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def _matrix(kind, shape, name, content):
    flags = _element(_UINT32, struct.pack("<II", kind, 0))
    sides = _element(_INT32, struct.pack(f"<{len(shape)}i", *shape))
    return _element(_MATRIX, flags + sides + _element(_INT8, name) + content)


def _saved(value):
    """The bytes of one matrix as scipy writes it."""
    stream = io.BytesIO()
    savemat(stream, {"x": value})
    return stream.getvalue()[128:]


def write_with_object(path: Path, plain_layers) -> None:
    """A .mat file whose `layers` are these structs and, last, an object."""
    inner = b"".join(_element(_INT8, text) for text in (b"", b"MCOS", b"layerVLAD"))
    reference = _saved(np.array([[1, 2, 3]], dtype=np.uint32))
    hidden = _element(
        _MATRIX, _element(_UINT32, struct.pack("<II", _OPAQUE, 0)) + inner + reference
    )
    content = b"".join(map(_saved, plain_layers)) + hidden
    layers = _matrix(_CELL, (1, len(plain_layers) + 1), b"layers", content)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)
    path.write_bytes(header + layers)


def take_any_size(monkeypatch) -> None:
    """Let the sources' files be of narrow networks, as the tests' are, for the time of a test."""
    for name, source in SOURCES.items():
        types = {part: {"type": fits["type"]} for part, fits in source.parts.items()}
        monkeypatch.setitem(SOURCES, name, replace(source, parts=types))
