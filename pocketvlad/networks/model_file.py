"""Networks on disk, with everything needed to rebuild and use them in the header."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from pocketvlad.data.images import Preprocessing
from pocketvlad.format.error import FormatError
from pocketvlad.format.tensor_file import read_tensors, write_tensors
from pocketvlad.networks.backbones import descriptor_channels
from pocketvlad.networks.model import Architecture, PlaceNet


@dataclass(frozen=True)
class Model:
    """A network together with the preprocessing that belongs to its weights."""

    network: PlaceNet
    preprocessing: Preprocessing
    origin: dict[str, object] = field(default_factory=dict)
    """How it was made, stage after stage; it travels with the weights into every file."""


def to_tensors(model: Model) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """(tensors, header) as any file of ours holds them; the inverse of `build_model`."""
    header = {
        "architecture": model.network.architecture.as_dict(),
        "preprocessing": model.preprocessing.as_dict(),
        "origin": model.origin,
    }
    tensors = {
        name: tensor.detach().cpu().contiguous().numpy()
        for name, tensor in model.network.state_dict().items()
    }
    return tensors, header


def write_model(path: Path, model: Model) -> None:
    """Write an uncompressed model, in float32."""
    write_tensors(path, *to_tensors(model))


def _check_size(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> None:
    """Hold the architecture against the tensors that are there, before anything is allocated.

    Raises:
        ValueError: it claims more, or less.
    """
    channels = descriptor_channels(architecture.backbone, architecture.width)
    expected = {
        "netvlad.centres": (architecture.clusters, channels),
        "whitening.weight": (architecture.descriptor, channels * architecture.clusters),
    }
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise ValueError(f"{name} has shape {tensors[name].shape}, {shape} expected")


def build_model(
    tensors: Mapping[str, np.ndarray], header: Mapping[str, object], path: Path
) -> Model:
    """The network that `header` describes with `tensors` as its weights, ready to evaluate.

    Args:
        path: the file that both were read from, for the error message.

    Raises:
        FormatError: tensors and header do not fit each other.
    """
    try:
        architecture = Architecture(**header["architecture"])
        _check_size(architecture, tensors)
        network = PlaceNet(architecture)
        network.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
        preprocessing = Preprocessing.from_dict(header.get("preprocessing"))
        origin = dict(header["origin"])
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise FormatError(f"{path} does not fit its own header: {error}") from None
    network.eval().to(memory_format=torch.channels_last)
    return Model(network, preprocessing, origin)


def read_model(path: Path) -> Model:
    """The uncompressed model in `path`.

    Raises:
        FormatError: damaged or not one of ours.
    """
    return build_model(*read_tensors(path), path)
