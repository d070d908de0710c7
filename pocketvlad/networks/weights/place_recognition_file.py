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
from pocketvlad.networks.weights.state_dict_file import (
    Form,
    Names,
    load_convolutions,
    load_tensors,
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
    load_tensors({"aggregation.1.p": ("pooling", network.pooling.exponent)}, state, path)
    linear, length = network.projection.linear, network.architecture.length
    weight, bias = "aggregation.3.weight", "aggregation.3.bias"
    # A bias of other axes is told below, by its shape.
    if bias in state and state[bias].ndim == 1 and (found := len(state[bias])) != length:
        raise WeightsError(
            f"{path}: {bias}: descriptors of {found} numbers; write `projection.length: {found}` "
            f"for the model's {length}"
        )
    targets = {weight: ("projection", linear.weight), bias: ("projection", linear.bias)}
    load_tensors(targets, state, path)
    return form.preprocessing
