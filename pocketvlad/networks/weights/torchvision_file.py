"""State dicts of torchvision's networks: `features.N.weight` and `features.N.bias`."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.placing import convolutions, place

# ImageNet's mean as the authors of VGG16 subtract it. The preprocessing that torchvision gives
# with IMAGENET1K_FEATURES is this, rounded to whole levels.
CAFFE = Preprocessing(mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0))
# ImageNet's mean and deviation as IMAGENET1K_V1 weights expect them, in 0-255.
TORCHVISION = Preprocessing(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """A state dict saved by torch, read without executing anything in it.

    Raises:
        WeightsError: missing, damaged, or something else; names the file.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"weights file {path} is missing") from None
    except Exception as error:  # on other bytes torch raises whatever it stumbles on
        raise WeightsError(
            f"{path} is not a torch state dict, or it is damaged ({type(error).__name__})"
        ) from None
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise WeightsError(f"{path} is not a torch state dict: it must map names to tensors")
    return dict(state)


def load_torchvision_convolutions(backbone: nn.Module, path: Path) -> None:
    """Copy the convolutions of a torchvision network into ours, in order; no other layer is used.

    Raises:
        WeightsError: unreadable, another number of convolutions, or another shape; names file,
            layer and shapes.
    """
    state = read_state_dict(path)
    parts = [key.split(".") for key in state if key.startswith("features.")]
    numbers = sorted({int(part[1]) for part in parts if part[1].isdecimal()})
    layers = convolutions(backbone)
    if len(numbers) != len(layers):
        raise WeightsError(f"{path} has {len(numbers)} convolutions, expected {len(layers)}")
    for number, (name, layer) in zip(numbers, layers, strict=True):
        for kind, target in layer.named_parameters():
            key = f"features.{number}.{kind}"
            if key not in state:
                raise WeightsError(f"{path} lacks {key} for layer {name}")
            place(target, state[key], path, f"layer {name}, {key}")
