"""How the package efficientnet-lite-pytorch names its networks' tensors.

The weights are TensorFlow's, converted.
"""

from collections.abc import Iterator

from torch import nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.weights.placing import convolutions
from pocketvlad.networks.weights.state_dict_file import Form, Names

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
            yield Names(layer, "_conv_stem", "_bn0")
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
