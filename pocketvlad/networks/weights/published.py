"""The two published networks that are MatConvNet files: Caffe's AlexNet, NetVLAD of Pitts30k."""

from pathlib import Path

import numpy as np

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.matconvnet_file import (
    MatNetwork,
    arrays_of,
    convolution_of,
    load_matconvnet_convolutions,
    read_matconvnet,
)
from pocketvlad.networks.weights.placing import convolutions, place


def _minus(mean: np.ndarray) -> Preprocessing:
    return Preprocessing(mean=tuple(map(float, mean)), std=(1.0, 1.0, 1.0))


def _require(fits: bool, stored: MatNetwork, expected: str) -> None:
    if not fits:
        names = ", ".join(layer.name for layer in stored.layers) or "none"
        raise WeightsError(f"{stored.path}: layers with weights: {names}; expected {expected}")


def load_alexnet_caffe(network: RetrievalNetwork, path: Path) -> Preprocessing:
    """Fill the backbone from `imagenet-caffe-ref.mat`; its fully connected layers are not used.

    The mean image [227, 227, 3] becomes its mean a channel, for images of any size.

    Raises:
        WeightsError: unreadable, or another network; names file and layer.
    """
    stored = read_matconvnet(path)
    count = len(convolutions(network.backbone))
    _require(len(stored.layers) >= count, stored, f"{count} convolutions or more")
    load_matconvnet_convolutions(network.backbone, stored.layers[:count], path)
    return _minus(stored.average_image.mean(axis=(0, 1)))


def load_netvlad_pitts30k(network: RetrievalNetwork, path: Path) -> Preprocessing:
    """Fill the whole network from `Pitts30K_struct.mat` (Arandjelovic et al., CVPR 2016).

    The layers that have weights are the convolutions, NetVLAD (assignment [D, K] without bias,
    and minus the centres [D, K]) and the whitening, a 1 x 1 convolution. A shorter descriptor is
    made by the whitening's first rows: its components are sorted by variance.

    Raises:
        WeightsError: unreadable, another network, other clusters than the model's, or a
            descriptor longer than the file's; names file and layer.
    """
    stored = read_matconvnet(path)
    count = len(convolutions(network.backbone))
    expected = f"{count} convolutions, NetVLAD and whitening"
    _require(len(stored.layers) == count + 2, stored, expected)
    *layers, vlad, whitening = stored.layers
    load_matconvnet_convolutions(network.backbone, layers, path)
    # [D, K], or [1, 1, D, K] as MatConvNet computes with them.
    assignment, minus_centres = (a.flatten(0, -2) for a in arrays_of(vlad, 2, path))
    label = f"layer pooling, {vlad.name} in the file"
    place(network.pooling.assignment, assignment.t(), path, f"{label}, assignment")
    place(network.pooling.centres, -minus_centres.t(), path, f"{label}, centres")
    kernels, biases = convolution_of(whitening, path)
    length = network.architecture.length
    if length > len(biases):
        raise WeightsError(
            f"{path}: layer projection, {whitening.name} in the file: a descriptor of {length} "
            f"numbers is asked of one of {len(biases)}; lower `projection.length` of the model"
        )
    label = f"layer projection, {whitening.name} in the file"
    linear = network.projection.linear
    place(linear.weight, kernels.flatten(1)[:length], path, f"{label}, kernels")
    place(linear.bias, biases[:length], path, f"{label}, biases")
    # NetVLAD's own program subtracts the first pixel of the mean image everywhere.
    return _minus(stored.average_image[0, 0])
