"""How the package efficientnet-lite-pytorch names its networks' tensors.

The weights are TensorFlow's, converted.
"""

from collections.abc import Iterator
from pathlib import Path

from torch import nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.placing import convolutions
from pocketvlad.networks.weights.state_dict_file import (
    Form,
    Names,
    load_convolutions,
    load_tensors,
    read_state_dict,
)

_OUTSIDE = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
_OWN = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def _names(backbone: nn.Module) -> Iterator[Names]:
    """Blocks are counted through all stages, from 0."""
    blocks: list[str] = []
    for layer, _ in convolutions(backbone):
        block, _, own = layer.rpartition(".")
        if not block:
            yield Names(layer, *_OUTSIDE[layer])
            continue
        if block not in blocks:
            blocks.append(block)
        prefix = f"_blocks.{blocks.index(block)}."
        yield Names(layer, *(prefix + each for each in _OWN[own]))


EFFICIENTNET_LITE = Form(
    _names,
    ("_conv_stem.", "_bn0.", "_blocks."),
    Preprocessing(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0)),
    epsilon=1e-3,
)


def load_lite_classifier(network: RetrievalNetwork, path: Path) -> Preprocessing:
    """Fill the whole classifier: the backbone with its head, and the linear layer.

    Raises:
        WeightsError: unreadable, or another network; names file, layer and tensor.
    """
    state = read_state_dict(path)
    declared = network.architecture.backbone
    load_convolutions(EFFICIENTNET_LITE, declared, network.backbone, state, path)
    linear = network.projection.linear
    parts = {
        "_fc.weight": ("projection", linear.weight),
        "_fc.bias": ("projection", linear.bias),
    }
    load_tensors(parts, state, path)
    return EFFICIENTNET_LITE.preprocessing
