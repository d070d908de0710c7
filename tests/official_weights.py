"""Weights files of the official forms, of the widths that a study's models have.

A stand-in of full width has the tensors of the official file, layer by layer; but AlexNet's fully
connected layers, which no one reads, are small. The convolutions are those that the package holds
for narrow networks, where it holds that width, and random elsewhere; all else is random.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat
from weights_files import alexnet_layers, cell, kernels, normalization, pitts30k_layers

from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.weights.buildings_file import load_backbone
from pocketvlad.networks.weights.placing import convolutions
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.study.config import embedded_weights

_MEAN = (123.68, 116.779, 103.939)
_CONNECTED = 32  # outputs of a fully connected layer, which no one reads
_SHARPNESS = 10.0  # of NetVLAD's assignment


def _convolutions(
    architecture: Architecture, generator: np.random.Generator
) -> tuple[list[tuple[np.ndarray, np.ndarray]], tuple[float, ...]]:
    """(kernels and biases of each convolution of the backbone, the mean that goes with them)"""
    backbone = architecture.backbone.build()
    layers = [layer for _, layer in convolutions(backbone)]
    held = embedded_weights(*architecture.backbone.as_dict().values())
    if not held.is_file():
        sides = [(each.kernel_size[0], each.weight.shape[1], each.out_channels) for each in layers]
        return [kernels(generator, *each) for each in sides], _MEAN
    preprocessing = load_backbone(backbone, held)
    pairs = [
        (layer.weight.detach().numpy().transpose(2, 3, 1, 0), layer.bias.detach().numpy()[None])
        for layer in layers
    ]
    # The published networks take pixels that are not divided by anything.
    deviation = np.float32(preprocessing.std)[:, None]
    pairs[0] = pairs[0][0] / deviation, pairs[0][1]
    return pairs, preprocessing.mean


def _average_image(mean: Sequence[float], side: int) -> np.ndarray:
    return np.broadcast_to(np.float32(mean), (side, side, 3)).copy()


def _alexnet(architecture: Architecture, generator: np.random.Generator) -> dict:
    pairs, mean = _convolutions(architecture, generator)
    incoming, size = pairs[-1][0].shape[-1], 6
    connected = []
    for _ in range(3):
        connected.append(kernels(generator, size, incoming, _CONNECTED))
        incoming, size = _CONNECTED, 1
    layers = alexnet_layers(pairs, connected)
    return {"layers": cell(layers), "meta": normalization(_average_image(mean, 227))}


def _pitts30k(architecture: Architecture, generator: np.random.Generator) -> dict:
    pairs, mean = _convolutions(architecture, generator)
    depth, clusters = architecture.backbone.channels, architecture.pooling.clusters
    centres = generator.normal(0, depth**-0.5, (depth, clusters)).astype(np.float32)
    longest = SOURCES["netvlad-pitts30k"].longest
    weight, bias = kernels(generator, 1, depth * clusters, longest)
    whitening = weight, bias / 1000  # the mean of pooled vectors, which are of unit length
    layers = pitts30k_layers(pairs, _SHARPNESS * centres, -centres, whitening)
    return {"net": {"layers": cell(layers), "meta": normalization(_average_image(mean, 224))}}


_FORMS = {"alexnet-caffe": _alexnet, "netvlad-pitts30k": _pitts30k}


def write_official_weights(models: Mapping[str, Mapping], folder: Path, seed: int) -> list[Path]:
    """The files that `models`, the config's section, name. Those of one seed have equal bytes."""
    written = []
    for model in models.values():
        make = _FORMS[model["weights"]["source"]]
        path = folder / model["weights"]["file"]
        generator = np.random.default_rng(seed)
        savemat(path, make(Architecture.of(model), generator), do_compression=True)
        # Its header has the time of day.
        with open(path, "r+b") as file:
            file.write(b"MATLAB 5.0 MAT-file, a stand-in".ljust(116))
        written.append(path)
    return written
