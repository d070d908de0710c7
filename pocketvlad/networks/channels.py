"""Which channels of a backbone anything depends on: the others can be left out at no change.

A channel may be filtered, clipped and added to others before a convolution reads it, and that may
have nothing but zeros for it.
"""

import operator
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from pocketvlad.networks.graph import Graph, module_of
from pocketvlad.networks.labels import is_plain_convolution
from pocketvlad.networks.modules.bottleneck import SamePadding

_CHANNELWISE = (
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.BatchNorm2d,
    SamePadding,
)
_FUNCTIONS: tuple[Callable, ...] = (operator.add, torch.add, torch.relu, F.relu, F.relu6)
_METHODS = ("add", "relu")


def _is_channelwise(backbone: nn.Module, step: fx.Node) -> bool:
    """Whether each channel of what a step makes depends on the same channel of its inputs only."""
    match step.op:
        case "call_module":
            return isinstance(module_of(backbone, step), _CHANNELWISE)
        case "call_function":
            return step.target in _FUNCTIONS
        case "call_method":
            return step.target in _METHODS
    return False


def _read_by(layer: nn.Conv2d, used: Tensor) -> Tensor:
    """[C] Whether the outputs that are used [O] depend on each input channel of a convolution."""
    weights = layer.weight.ne(0).any(dim=(2, 3)) & used[:, None]
    return weights.unflatten(0, (layer.groups, -1)).any(dim=1).flatten()


def unread_outputs(backbone: nn.Module) -> Iterator[tuple[str, nn.Conv2d, Tensor]]:
    """(path, convolution, [O] which of its outputs nothing depends on), of those that have any.
    Layers that are kept are taken to read all channels."""
    graph = Graph.of(backbone)
    read: dict[fx.Node, Tensor | None] = {graph.result: None}  # None: all of its channels

    def add(value: fx.Node, channels: Tensor | None) -> None:
        known = read.get(value, channels)
        read[value] = None if known is None or channels is None else known | channels

    for step in reversed(graph.steps):
        used, layer = read.get(step), module_of(backbone, step)
        if is_plain_convolution(layer):
            every = torch.ones(layer.out_channels, dtype=torch.bool, device=layer.weight.device)
            used = every if used is None else used
            if len(used) != len(every):  # its one map was added to all channels of another
                used = used.any().expand(len(every))
            if not used.all():
                yield step.target, layer, ~used
            add(step.all_input_nodes[0], _read_by(layer, used))
        else:
            for value in step.all_input_nodes:
                add(value, used if _is_channelwise(backbone, step) else None)
