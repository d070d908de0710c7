"""A network with the preprocessing that belongs to its weights; on disk, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from pocketvlad.data.images import Preprocessing
from pocketvlad.format.contents import Contents, write_contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Label
from pocketvlad.format.stored import read_stored
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.network import RetrievalNetwork


@dataclass(frozen=True)
class Model:
    """A network together with the preprocessing that belongs to its weights.

    origin: how it was made, stage after stage; it travels with the weights into every file.
    """

    network: RetrievalNetwork
    preprocessing: Preprocessing
    origin: dict[str, object] = field(default_factory=dict)


def to_contents(model: Model) -> Contents:
    """The model as any file of ours holds it; the inverse of `build_model`."""
    header = {
        "architecture": model.network.architecture.as_dict(),
        "preprocessing": model.preprocessing.as_dict(),
        "origin": model.origin,
    }
    tensors, labels = {}, {}
    for name, tensor, label in labelled_tensors(model.network):
        tensors[name] = tensor.detach().cpu().contiguous().numpy()
        labels[name] = label
    return Contents(tensors, labels, header)


def write_model(path: Path, model: Model) -> None:
    """Write an uncompressed model, in float32; whole or not at all."""
    write_contents(path, to_contents(model))


def _require_fit(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], labels: Mapping[str, Label]
) -> None:
    """Compare the architecture with the tensors of the file, before anything is allocated.

    Raises:
        ValueError: it claims more, or less, or other roles.
    """
    with torch.device("meta"):
        expected = {
            name: (tuple(tensor.shape), label)
            for name, tensor, label in labelled_tensors(RetrievalNetwork(architecture))
        }
    for name in sorted(expected.keys() ^ tensors.keys()):  # each run names the same
        where = "not in the file" if name in expected else "not in the network"
        raise ValueError(f"tensor {name} is {where}")
    for name, (shape, label) in expected.items():
        if not np.isfinite(tensors[name]).all():
            raise ValueError(f"a weight of {name} is not finite: its training diverged")
        if tensors[name].shape != shape:
            raise ValueError(f"{name} has shape {tensors[name].shape}, {shape} expected")
        if labels[name] != label:
            found = f"{labels[name].part} {labels[name].role}"
            raise ValueError(f"{name} is {found}, {label.part} {label.role} expected")


def build_model(contents: Contents, path: Path) -> Model:
    """The network that a header describes with a file's tensors as its weights, to be evaluated.

    Args:
        path: the file that was read, for the error message.

    Raises:
        FormatError: tensors and header do not fit each other, or a weight is not finite.
    """
    header = contents.header
    try:
        architecture = Architecture.of(header["architecture"])
        _require_fit(architecture, contents.tensors, contents.labels)
        network = RetrievalNetwork(architecture)
        with torch.no_grad():
            for name, tensor, _ in labelled_tensors(network):
                tensor.copy_(torch.from_numpy(contents.tensors[name]))
        preprocessing = Preprocessing.from_dict(header.get("preprocessing"))
        origin = dict(header["origin"])
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise FormatError(f"{path} does not fit its own header: {error}") from None
    network.eval().to(memory_format=torch.channels_last)
    return Model(network, preprocessing, origin)


def read_model(path: Path) -> Model:
    """The model in a file, compressed or not.

    Raises:
        FormatError: damaged, not one of ours, or it does not fit its own header.
    """
    return build_model(read_stored(path), path)
