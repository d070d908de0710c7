"""Networks on disk, with everything needed to rebuild and use them in the header."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pocketvlad.images import Preprocessing
from pocketvlad.model import Architecture, PlaceNet
from pocketvlad.tensor_file import ModelFileError, read_tensors, write_tensors


@dataclass(frozen=True)
class Model:
    """A network together with the preprocessing that belongs to its weights."""

    network: PlaceNet
    preprocessing: Preprocessing


def write_model(path: Path, model: Model) -> None:
    """Write an uncompressed model, in float32."""
    header = {
        "architecture": model.network.architecture.as_dict(),
        "preprocessing": model.preprocessing.as_dict(),
    }
    tensors = {
        name: tensor.detach().contiguous().numpy()
        for name, tensor in model.network.state_dict().items()
    }
    write_tensors(path, tensors, header)


def build_model(
    tensors: Mapping[str, np.ndarray], header: Mapping[str, object], path: Path
) -> Model:
    """The network that `header` describes with `tensors` as its weights, ready to evaluate.

    Args:
        path: the file that both were read from, for the error message.

    Raises:
        ModelFileError: tensors and header do not fit each other.
    """
    try:
        network = PlaceNet(Architecture(**header["architecture"]))
        network.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
        raw = header["preprocessing"]
        preprocessing = Preprocessing(tuple(raw["mean"]), tuple(raw["std"]))
    except (KeyError, TypeError, RuntimeError) as error:
        raise ModelFileError(f"{path} does not fit its own header: {error}") from None
    network.eval().to(memory_format=torch.channels_last)
    return Model(network, preprocessing)


def read_model(path: Path) -> Model:
    """The uncompressed model in `path`.

    Raises:
        ModelFileError: damaged or not one of ours.
    """
    return build_model(*read_tensors(path), path)
