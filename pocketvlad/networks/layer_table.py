"""What each layer of a network costs: parameters and multiply-adds, in the order of execution."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.labels import module_roles
from pocketvlad.networks.modules.base import PoolingModule
from pocketvlad.networks.network import RetrievalNetwork


@dataclass(frozen=True)
class LayerCost:
    """One call of a layer: `multiply_adds` for one image (the paper calls these FLOPs).

    name: the layer's path in its part, or the part's name.  shape: of the weights.  parameters:
    biases included, and what a layer in it has that is not called by itself.  weights: those that
    are compressed.  Both are counted where they are first used.
    """

    name: str
    part: str
    shape: str
    parameters: int
    weights: int
    multiply_adds: int


def _multiply_adds(module: nn.Module, given: tuple[Tensor, ...], made: Tensor, images: int) -> int:
    """For one of so many images; 0 where a module has no `weight`."""
    if isinstance(module, PoolingModule):
        _, channels, *sides = given[0].shape
        return module.multiply_adds(channels, math.prod(sides))
    weight = getattr(module, "weight", None)
    if weight is None:
        return 0
    numbers = made.numel() // images
    if weight.ndim < 2 or isinstance(module, nn.LayerNorm):  # a scale for each number
        return numbers
    # Each row of weights once a place of the output, wherever its axes stand.
    return weight.numel() * numbers // len(weight)


def _shapes(weights: list[Tensor]) -> str:
    shapes = [" x ".join(map(str, weight.shape)) for weight in weights]
    same = len(set(shapes)) == 1 and len(shapes) > 1
    return f"{len(shapes)} x {shapes[0]}" if same else " + ".join(shapes)


def layer_costs(network: nn.Module, images: Tensor) -> Iterator[LayerCost]:
    """The layers that have parameters, in the order in which `images` [N, 3, H, W] pass them.

    Args:
        network: a `RetrievalNetwork`, or anything with a `backbone`; on the device of `images`,
            which may be "meta", where nothing is computed.
    """
    rows: list[LayerCost] = []
    counted: set[nn.Parameter] = set()

    def size(tensors: Iterable[Tensor]) -> int:
        """Of those that no call before has had."""
        return sum(tensor.numel() for tensor in tensors if tensor not in counted)

    def record(part: str, path: str, module: nn.Module):
        def hook(_: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            roles = module_roles(module)
            weights = [getattr(module, name) for name, role in roles.items() if role.compressed]
            rows.append(
                LayerCost(
                    path or part,
                    part,
                    _shapes(weights),
                    size(module.parameters()),
                    size(weights),
                    _multiply_adds(module, given, made, len(images)),
                )
            )
            counted.update(module.parameters())

        return hook

    handles = [
        module.register_forward_hook(record(str(part), path, module))
        for part in Part
        if hasattr(network, part)
        for path, module in getattr(network, part).named_modules()
        if any(True for _ in module.parameters(recurse=False))
    ]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    yield from rows


def network_costs(architecture: Architecture, height: int, width: int) -> list[LayerCost]:
    """Every layer that has parameters, for an image of height x width pixels."""
    with torch.device("meta"):
        network = RetrievalNetwork(architecture).eval()
        return list(layer_costs(network, torch.empty(1, 3, height, width)))
