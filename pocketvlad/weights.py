"""Initial weights of the backbones, and the preprocessing that belongs to each source."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from pocketvlad.format_error import FormatError
from pocketvlad.images import Preprocessing
from pocketvlad.model import PlaceNet, initialise_randomly
from pocketvlad.tensor_file import read_tensors, write_tensors

# ImageNet's mean as Caffe's models and torchvision's IMAGENET1K_FEATURES subtract it.
_CAFFE = Preprocessing(mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0))
# ImageNet's mean and deviation as torchvision's IMAGENET1K_V1 weights expect them, in 0-255.
_TORCHVISION = Preprocessing(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
# Where no statistics are known: pixels from -2 to 2.
CENTRED = Preprocessing(mean=(127.5, 127.5, 127.5), std=(63.75, 63.75, 63.75))


class WeightsError(ValueError):
    """A weights file cannot be read or does not fit; the message names file and layer."""


@dataclass(frozen=True)
class WeightsSource:
    """A kind of weights: which backbone it is for, how its pixels are prepared."""

    backbone: str | None  # None: any
    preprocessing: Preprocessing


SOURCES = {
    "random": WeightsSource(None, CENTRED),
    # Narrow backbones pretrained on rendered buildings, which the package holds.
    "buildings": WeightsSource(None, CENTRED),
    # torchvision's VGG16 IMAGENET1K_FEATURES, and any file of the same form.
    "vgg16-caffe": WeightsSource("vgg16", _CAFFE),
    # torchvision's VGG16 IMAGENET1K_V1; its classifier is not used.
    "vgg16-torchvision": WeightsSource("vgg16", _TORCHVISION),
}


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """A state dict saved by torch, read without executing anything in it."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(
            f"weights file {path} is missing; correct `weights.file` of the model in the config"
        ) from None
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{path} is not a torch state dict: {error}") from None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} is not a torch state dict: it must map names to tensors")
    return dict(state)


def load_torchvision_convolutions(
    backbone: nn.Sequential, state: Mapping[str, Tensor], path: Path
) -> None:
    """Copy `features.N.weight/.bias` of a torchvision network into our convolutions, in order.

    Raises:
        WeightsError: another number of convolutions, or another shape; names layer and shapes.
    """
    numbers = sorted({int(key.split(".")[1]) for key in state if key.startswith("features.")})
    layers = [(n, m) for n, m in backbone.named_children() if isinstance(m, nn.Conv2d)]
    if len(numbers) != len(layers):
        raise WeightsError(f"{path} has {len(numbers)} convolutions, expected {len(layers)}")
    for number, (name, layer) in zip(numbers, layers, strict=True):
        for kind, target in layer.named_parameters():
            key = f"features.{number}.{kind}"
            if key not in state:
                raise WeightsError(f"{path} lacks {key} for layer {name}")
            if state[key].shape != target.shape:
                raise WeightsError(
                    f"{path}: layer {name}, {key}: shape {tuple(state[key].shape)} found, "
                    f"{tuple(target.shape)} expected"
                )
            with torch.no_grad():
                target.copy_(state[key])


def write_backbone(
    path: Path, backbone: nn.Sequential, architecture: tuple[str, float], origin: Mapping
) -> None:
    """Write a backbone's weights in float16.

    Args:
        architecture: name and width of the backbone.
        origin: how the weights were made, for the file's header.
    """
    tensors = {name: t.half().contiguous().numpy() for name, t in backbone.state_dict().items()}
    name, width = architecture
    write_tensors(path, tensors, {"backbone": name, "width": width, **origin})


def load_backbone(backbone: nn.Sequential, path: Path) -> None:
    """Fill a backbone from a file that `write_backbone` made.

    Raises:
        WeightsError: damaged, or of another backbone or width; names the file.
    """
    try:
        tensors, _ = read_tensors(path)
        backbone.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    except (FormatError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not hold this backbone: {error}; choose a width whose weights the "
            "package holds, or make them by `snakemake pretrain`"
        ) from None


def load_initial_weights(
    network: PlaceNet, source: str, path: Path | None, seed: int
) -> Preprocessing:
    """Fill the backbone from `source` and return the preprocessing that goes with it."""
    kind = SOURCES[source]
    if source == "random":
        initialise_randomly(network.backbone, seed)
        return kind.preprocessing
    if kind.backbone not in (None, network.architecture.backbone):
        raise WeightsError(
            f"weights {source!r} are for {kind.backbone}, not {network.architecture.backbone}"
        )
    if path is None:
        raise WeightsError(f"weights {source!r} need a file; add `weights.file` to the model")
    if source == "buildings":
        load_backbone(network.backbone, path)
    else:
        load_torchvision_convolutions(network.backbone, read_state_dict(path), path)
    return kind.preprocessing
