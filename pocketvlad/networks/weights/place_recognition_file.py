"""Networks of place recognition: CosPlace (Berton et al., CVPR 2022), EigenPlaces (ICCV 2023).

Checkpoints of github.com/gmberton: `backbone.*` is a torchvision trunk as a plain sequence, so that
its layers are numbers; `aggregation.1.p` GeM's exponent, `aggregation.3` the linear layer.
"""

from collections.abc import Iterator
from pathlib import Path

from torch import nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.families.resnet import ResNet
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.staged import StagedBackbone
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.placing import place
from pocketvlad.networks.weights.state_dict_file import (
    Form,
    Names,
    load_convolutions,
    numbered,
    read_state_dict,
)
from pocketvlad.networks.weights.torchvision_file import TORCHVISION, residual_names

# The children of torchvision's ResNet, in their order; a ReLU and a pooling stand between.
_NUMBERS = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}


def _numbered(name: str) -> str:
    first, dot, rest = name.partition(".")
    return f"backbone.{_NUMBERS[first]}{dot}{rest}"


def _residual_names(backbone: nn.Module) -> Iterator[Names]:
    for layer, convolution, norm in residual_names(backbone):
        yield Names(layer, _numbered(convolution), _numbered(norm))


_TRUNK = ("backbone.",)
_RESIDUAL = Form(_residual_names, _TRUNK, TORCHVISION)
_PLAIN = Form(numbered("backbone."), _TRUNK, TORCHVISION)


def trunk_form(declared: StagedBackbone) -> Form:
    """How the tensors of a trunk are named."""
    return _RESIDUAL if isinstance(declared, ResNet) else _PLAIN


def load_place_recognition(network: RetrievalNetwork, path: Path) -> Preprocessing:
    """Fill the whole network.

    Raises:
        WeightsError: unreadable, another trunk, or descriptors of another length; names file,
            layer and tensor.
    """
    state = read_state_dict(path)
    declared = network.architecture.backbone
    form = trunk_form(declared)
    load_convolutions(form, declared, network.backbone, state, path)
    linear = network.projection.linear
    parts = {
        "aggregation.1.p": ("pooling", network.pooling.exponent),
        "aggregation.3.weight": ("projection", linear.weight),
        "aggregation.3.bias": ("projection", linear.bias),
    }
    for name, (layer, _) in parts.items():
        if name not in state:
            raise WeightsError(f"{path} lacks {name} for layer {layer}")
    found = len(state["aggregation.3.bias"])
    if found != network.architecture.length:
        raise WeightsError(
            f"{path}: aggregation.3.bias: descriptors of {found} numbers; write "
            f"`projection.length: {found}` for the model's {network.architecture.length}"
        )
    for name, (layer, target) in parts.items():
        place(target, state[name], path, f"layer {layer}, {name}")
    return form.preprocessing
