"""Networks as MatConvNet saves them: .mat files of plain structs (its manual, section 2).

Either the variable `net` or the file itself has `layers`, a cell of structs, and
`meta.normalization` (in older files `normalization`) with `averageImage`. A layer's `weights`
are a cell: for a convolution kernels [H, W, I, O] and biases, I the input channels of one group.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.mat_file import Hdf5Error, MatError, Unread, read_mat
from pocketvlad.networks.weights.placing import convolutions, place

_VARIABLES = ("net", "layers", "meta", "normalization")  # all else in the file is left unread


@dataclass(frozen=True)
class MatLayer:
    """A layer that has weights. name: the file's, or its number from 0."""

    name: str
    type: str
    arrays: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class MatNetwork:
    """The layers that have weights, in order, and the mean image [H, W, 3], RGB in 0-255."""

    path: Path
    layers: tuple[MatLayer, ...]
    average_image: np.ndarray


def _field(struct: object, name: str) -> object:
    """A field of a struct (or of the file's variables); None where there is none."""
    return struct.get(name) if isinstance(struct, Mapping) else None


def _cells(value: object) -> list[object]:
    """The contents of a cell; nothing where it is none."""
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _numbers(value: object, path: Path, place: str) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise WeightsError(f"{path}: {place} is not an array of numbers")
    return value


def _layer(entry: object, number: int, path: Path) -> MatLayer:
    if isinstance(entry, Unread):
        raise WeightsError(
            f"{path}: layer {number} is {entry.kind}, which only MATLAB can read; a file whose "
            "objects were converted to structs is needed"
        )
    if not isinstance(entry, Mapping):
        raise WeightsError(f"{path}: layer {number} is not a struct")
    name = _text(_field(entry, "name")) or str(number)
    if _field(entry, "filters") is not None:
        raise WeightsError(
            f"{path}: layer {name} has `filters` in place of `weights`, an early form of "
            "MatConvNet's; convert the file by vl_simplenn_tidy"
        )
    arrays = [_numbers(a, path, f"layer {name}") for a in _cells(_field(entry, "weights"))]
    kept = tuple(array for array in arrays if array.size)
    return MatLayer(name, _text(_field(entry, "type")), kept)


def _average_image(net: object, path: Path) -> np.ndarray:
    meta = _field(net, "meta") if _field(net, "meta") is not None else net
    found = _field(_field(meta, "normalization"), "averageImage")
    image = _numbers(found, path, "meta.normalization.averageImage")
    if image.size == 3:  # a figure a channel
        image = image.reshape(1, 1, 3)
    if image.ndim != 3 or image.shape[2] != 3:
        raise WeightsError(
            f"{path}: averageImage: shape {image.shape} found, (height, width, 3) expected"
        )
    image = image.astype(np.float64)
    if not (np.isfinite(image) & (image >= 0) & (image <= 255)).all():
        raise WeightsError(f"{path}: averageImage has values that are not within 0 to 255")
    return image


def read_matconvnet(path: Path) -> MatNetwork:
    """The network in `path`.

    Raises:
        WeightsError: no .mat file, a damaged one, or one of another structure; names the file.
    """
    try:
        variables = read_mat(path, _VARIABLES)
    except FileNotFoundError:
        raise WeightsError(f"weights file {path} is missing") from None
    except Hdf5Error:
        raise WeightsError(
            f"{path} is a .mat file of version 7.3, which is HDF5; one saved by MATLAB's -v7 is "
            "needed"
        ) from None
    except (MatError, zlib.error, OSError) as error:
        raise WeightsError(
            f"{path} is not a .mat file, or it is damaged ({type(error).__name__}: {error})"
        ) from None
    net = variables.get("net", variables)
    entries = _cells(_field(net, "layers"))
    if not entries:
        raise WeightsError(f"{path} holds no MatConvNet network: it has no cell `layers`")
    layers = [_layer(entry, number, path) for number, entry in enumerate(entries)]
    weighted = tuple(layer for layer in layers if layer.arrays)
    return MatNetwork(path, weighted, _average_image(net, path))


def arrays_of(layer: MatLayer, count: int, path: Path) -> tuple[Tensor, ...]:
    """The layer's `count` arrays, as float32.

    Raises:
        WeightsError: it has another number of them.
    """
    if len(layer.arrays) != count:
        raise WeightsError(
            f"{path}: layer {layer.name}: {len(layer.arrays)} arrays found, {count} expected"
        )
    return tuple(torch.from_numpy(a.astype(np.float32, copy=False)) for a in layer.arrays)


def convolution_of(layer: MatLayer, path: Path) -> tuple[Tensor, Tensor]:
    """(kernels [O, I, H, W], biases [O]) of a convolution.

    Raises:
        WeightsError: the layer is none.
    """
    if layer.type not in ("conv", ""):
        raise WeightsError(
            f"{path}: layer {layer.name} is of type {layer.type!r}, a convolution is expected"
        )
    kernels, biases = arrays_of(layer, 2, path)
    if kernels.ndim > 4:
        raise WeightsError(f"{path}: layer {layer.name}: kernels of {kernels.ndim} axes, not of 4")
    # MATLAB keeps no last axes of length one.
    kernels = kernels.reshape(*kernels.shape, *[1] * (4 - kernels.ndim))
    return kernels.permute(3, 2, 0, 1), biases.flatten()


def load_matconvnet_convolutions(
    backbone: nn.Module, layers: Sequence[MatLayer], path: Path
) -> None:
    """Copy `layers` into the backbone's convolutions, in order.

    Raises:
        WeightsError: a layer is no convolution or has another shape; names file, layer, shapes.
    """
    for (name, target), layer in zip(convolutions(backbone), layers, strict=True):
        kernels, biases = convolution_of(layer, path)
        label = f"layer {name}, {layer.name} in the file"
        place(target.weight, kernels, path, f"{label}, kernels")
        place(target.bias, biases, path, f"{label}, biases")
