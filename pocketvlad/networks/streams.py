"""Streams: values that convolutions write and convolutions read, with nothing but sums between.

The blocks of networks with linear bottlenecks (Sandler et al., CVPR 2018) read a stream and add to
it. Its channels can be rotated by any orthonormal matrix E, and scaled, at no cost: what writes to
it gives x E in place of x, and what reads from it takes E back. (Computational invariance; Ashkboos
et al., "SliceGPT", ICLR 2024.) Nothing has to be stored for it.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn

from pocketvlad.networks.graph import Graph, module_of
from pocketvlad.networks.labels import is_plain_convolution

_SUMS: tuple[Callable, ...] = (operator.add, torch.add)


@dataclass(frozen=True)
class Stream:
    """The convolutions that write to a stream, and those that read from it."""

    writers: tuple[nn.Conv2d, ...]
    readers: tuple[nn.Conv2d, ...]

    @property
    def channels(self) -> int:
        return self.readers[0].in_channels

    @torch.no_grad()
    def turn(self, rotation: Tensor, scales: Tensor) -> None:
        """Let the stream hold the components of x E times scales, in place of x; what is read stays
        the same.

        Args:
            rotation: E, [D, D], orthonormal. Products are of double precision.
            scales: [D], above 0.
        """
        written, read = rotation.double() * scales, rotation.double() / scales
        for layer in self.writers:
            layer.weight.copy_(torch.einsum("oihw,oe->eihw", layer.weight.double(), written))
            if layer.bias is not None:
                layer.bias.copy_(layer.bias.double() @ written)
        for layer in self.readers:
            layer.weight.copy_(torch.einsum("oihw,ie->oehw", layer.weight.double(), read))


@dataclass
class _Found:
    """What is known of the values of one stream so far."""

    writers: list[nn.Conv2d] = field(default_factory=list)
    readers: list[nn.Conv2d] = field(default_factory=list)
    linear: bool = True

    @property
    def widths(self) -> set[int]:
        """Channels of its values; several where one map is added to all channels of another."""
        made = {layer.out_channels for layer in self.writers}
        return made | {layer.in_channels for layer in self.readers}


def _is_full(layer: nn.Module | None) -> bool:
    """Whether each output of a layer is linear in all channels of its input. Zeros around a map
    are zeros in any axes."""
    return is_plain_convolution(layer) and layer.groups == 1 and layer.padding_mode == "zeros"


def _is_sum(backbone: nn.Module, step: fx.Node) -> bool:
    if step.op == "call_module":
        return isinstance(module_of(backbone, step), nn.Identity)
    called = step.target in _SUMS or (step.op == "call_method" and step.target == "add")
    return called and all(isinstance(each, fx.Node) for each in step.args) and not step.kwargs


def streams(backbone: nn.Module) -> list[Stream]:
    """Those that can be rotated, in the order of execution: nothing else makes or takes any of
    their values."""
    graph = Graph.of(backbone)
    found: dict[fx.Node, _Found] = {graph.source: _Found(linear=False)}
    for step in graph.steps:
        layer = module_of(backbone, step)
        if _is_sum(backbone, step):
            parts = {id(found[each]): found[each] for each in step.all_input_nodes}
            one = _Found(
                [layer for each in parts.values() for layer in each.writers],
                [layer for each in parts.values() for layer in each.readers],
                all(each.linear for each in parts.values()),
            )
            for value, known in list(found.items()):
                if id(known) in parts:
                    found[value] = one
            found[step] = one
            continue
        for value in step.all_input_nodes:
            if _is_full(layer):
                found[value].readers.append(layer)
            else:
                found[value].linear = False
        found[step] = _Found([layer]) if _is_full(layer) else _Found(linear=False)
    found[graph.result].linear = False
    distinct = {id(each): each for each in found.values()}.values()
    return [
        Stream(tuple(each.writers), tuple(each.readers))
        for each in distinct
        if each.linear and each.writers and each.readers and len(each.widths) == 1
    ]
