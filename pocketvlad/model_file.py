"""Networks on disk: safetensors with everything needed to rebuild and use them in the header."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pocketvlad.images import Preprocessing
from pocketvlad.model import Architecture, PlaceNet

_KEY = "pocketvlad"


class ModelFileError(ValueError):
    """A model file is damaged or not one of ours; the message names the file."""


@dataclass(frozen=True)
class Model:
    """A network together with the preprocessing that belongs to its weights."""

    network: PlaceNet
    preprocessing: Preprocessing


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, object]) -> None:
    """Write `tensors` with a JSON `header`, under a temporary name until complete."""
    temporary = path.with_name(path.name + ".part")
    save_file(
        {name: tensor.detach().contiguous() for name, tensor in tensors.items()},
        temporary,
        metadata={_KEY: json.dumps(header, sort_keys=True)},
    )
    os.replace(temporary, path)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """(tensors, header) as `write_tensors` was given them.

    Raises:
        ModelFileError: not a safetensors file, or not one with our header.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise ModelFileError(f"{path} is not a PocketVLAD model file: {error}") from None


def model_header(model: Model) -> dict[str, object]:
    return {
        "architecture": model.network.architecture.as_dict(),
        "preprocessing": model.preprocessing.as_dict(),
    }


def model_from(tensors: Mapping[str, Tensor], header: Mapping[str, object], path: Path) -> Model:
    """Rebuild the network that `header` describes and load `tensors` into it."""
    try:
        network = PlaceNet(Architecture(**header["architecture"]))
        network.load_state_dict(dict(tensors))
        raw = header["preprocessing"]
        preprocessing = Preprocessing(tuple(raw["mean"]), tuple(raw["std"]))
    except (KeyError, TypeError, RuntimeError) as error:
        raise ModelFileError(f"{path} does not fit its own header: {error}") from None
    network.eval().to(memory_format=torch.channels_last)
    return Model(network, preprocessing)


def write_model(path: Path, model: Model) -> None:
    write_tensors(path, model.network.state_dict(), model_header(model))


def read_model(path: Path) -> Model:
    """The float32 model in `path`, ready to evaluate."""
    return model_from(*read_tensors(path), path)
