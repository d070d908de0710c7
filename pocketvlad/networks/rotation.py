"""Rotations that cost nothing: other axes for the local features, the same descriptors.

If a backbone ends in a convolution, and pooling uses only lengths and inner products of features,
the features may be rotated by any orthonormal matrix E. The convolution gives x E in place of x,
and pooling and projection undo the rotation. (Computational invariance; Ashkboos et al.,
"SliceGPT", ICLR 2024.) Nothing has to be stored for it.
"""

import torch
from torch import Tensor, nn

from pocketvlad.networks.graph import Graph, module_of
from pocketvlad.networks.labels import is_plain_convolution
from pocketvlad.networks.network import RetrievalNetwork


def _last_or_obstacle(network: RetrievalNetwork) -> nn.Conv2d | str:
    graph = Graph.of(network.backbone)
    found = module_of(network.backbone, graph.result)
    if not is_plain_convolution(found):
        return (
            f"the backbone ends in {graph.result.target}, not in a convolution that may be "
            "changed: its features cannot be rotated"
        )
    if found.groups > 1:
        return (
            f"the backbone ends in a convolution of {found.groups} groups: a rotation would give "
            "each output the inputs of all"
        )
    return found


def last_convolution(network: RetrievalNetwork) -> nn.Conv2d:
    """The convolution whose outputs are the local features as they are.

    Raises:
        ValueError: the backbone ends in something else, or in a convolution of several groups.
    """
    found = _last_or_obstacle(network)
    if isinstance(found, str):
        raise ValueError(found)
    return found


def is_rotatable(network: RetrievalNetwork) -> bool:
    """Whether `rotate_features` can rotate the features, the descriptors staying the same."""
    ends = isinstance(_last_or_obstacle(network), nn.Conv2d)
    return ends and network.pooling.rotatable and network.projection.linear is not None


@torch.no_grad()
def rotate_features(network: RetrievalNetwork, rotation: Tensor) -> None:
    """Rotate the local features x of `network` to x E; its descriptors stay the same.

    Without a projection the descriptors are turned, too, and their distances stay.

    Args:
        rotation: E, [D, D], orthonormal. Products are of double precision.

    Raises:
        ValueError: the backbone or the pooling cannot be rotated; nothing has been changed then.
    """
    layer = last_convolution(network)
    rotation = rotation.double()  # each weight is rounded once, when it is stored
    network.pooling.rotate(rotation)
    layer.weight.copy_(torch.einsum("oihw,oe->eihw", layer.weight.double(), rotation))
    if layer.bias is not None:
        layer.bias.copy_(layer.bias.double() @ rotation)
    if linear := network.projection.linear:
        linear.weight.copy_(network.pooling.rotated_columns(linear.weight.double(), rotation))
