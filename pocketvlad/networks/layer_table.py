"""What each layer of a network costs: parameters and multiply-adds, in the order of execution."""

from collections.abc import Iterator
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
    """One layer: `multiply_adds` for one image (the paper calls these FLOPs).

    name: the layer's path in its part, or the part's name.  shape: of the weights.  parameters:
    biases included.  weights: those that are compressed.
    """

    name: str
    part: str
    shape: str
    parameters: int
    weights: int
    multiply_adds: int


def _multiply_adds(module: nn.Module, given: Tensor, made: Tensor) -> int:
    if isinstance(module, PoolingModule):
        return module.multiply_adds(given.shape[1], given.shape[2] * given.shape[3])
    weight = getattr(module, "weight", None)
    # Each weight once a place of the output; a linear map has one place.
    return 0 if weight is None else weight.numel() * made.shape[2:].numel()


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

    def record(part: str, path: str, module: nn.Module):
        def hook(_: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            roles = module_roles(module)
            weights = [getattr(module, name) for name, role in roles.items() if role.compressed]
            rows.append(
                LayerCost(
                    path or part,
                    part,
                    _shapes(weights),
                    sum(each.numel() for each in module.parameters(recurse=False)),
                    sum(weight.numel() for weight in weights),
                    _multiply_adds(module, given[0], made),
                )
            )

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
