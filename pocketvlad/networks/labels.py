"""Which of a network's tensors is what: by the module that owns it, never by its name."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from torch import Tensor, nn

from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.networks.network import RetrievalNetwork

_MODULES: tuple[tuple[type[nn.Module], Mapping[str, Role]], ...] = (
    (nn.Conv2d, {"weight": Role.CONVOLUTION, "bias": Role.BIAS}),
    (nn.Linear, {"weight": Role.LINEAR, "bias": Role.BIAS}),
    (
        nn.BatchNorm2d,
        dict.fromkeys(("weight", "bias", "running_mean", "running_var"), Role.OTHER),
    ),
)


class UnknownRoleError(ValueError):
    """A module holds a tensor whose role is not declared."""


def has_own_roles(module: nn.Module) -> bool:
    """Whether a module says itself what its tensors are, also where it has none."""
    return isinstance(getattr(module, "roles", None), Mapping)


def module_roles(module: nn.Module) -> Mapping[str, Role]:
    """The roles of a module's own tensors: its attribute `roles`, or those of torch's modules."""
    if has_own_roles(module):
        return module.roles
    return next((roles for kind, roles in _MODULES if isinstance(module, kind)), {})


def is_plain_convolution(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether a module is a convolution that may be changed and computes what torch's does: it is
    not kept, and its class does nothing else to its inputs or weights."""
    kind = type(module)
    return (
        isinstance(module, nn.Conv2d)
        and kind.forward is nn.Conv2d.forward
        and kind._conv_forward is nn.Conv2d._conv_forward
        and module_roles(module).get("weight") is Role.CONVOLUTION
    )


def _own_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and stored buffers of a module alone; counters are left out."""
    yield from module.named_parameters(recurse=False)
    for name, tensor in module.named_buffers(recurse=False):
        if tensor.is_floating_point() and name not in module._non_persistent_buffers_set:
            yield name, tensor


def labelled_tensors(network: RetrievalNetwork) -> Iterator[tuple[str, Tensor, Label]]:
    """(name, tensor, label) of everything that a file must hold, in the network's order.

    Raises:
        UnknownRoleError: a tensor's role is not known; names it, its module and the remedy.
    """
    for part in Part:
        for path, module in getattr(network, part).named_modules(prefix=part):
            roles = module_roles(module)
            for own, tensor in _own_tensors(module):
                if own not in roles:
                    raise UnknownRoleError(
                        f"{path}.{own}: nobody says what this tensor of a "
                        f"{type(module).__name__} is; keep it in half precision by "
                        "`networks.modules.kept.kept`, or give the module an attribute `roles`"
                    )
                yield f"{path}.{own}", tensor, Label(part, roles[own])


def compressible(network: RetrievalNetwork) -> Iterator[tuple[str, nn.Parameter]]:
    """(name, parameter) of every tensor that is pruned and quantized."""
    for name, tensor, label in labelled_tensors(network):
        if label.role.compressed:
            yield name, tensor


def linear_projection(network: RetrievalNetwork) -> tuple[str, nn.Linear] | None:
    """(name of its weight, layer) of the projection's linear map, if it has one that is
    compressed."""
    layer = network.projection.linear
    names = (name for name, tensor in compressible(network) if layer and tensor is layer.weight)
    return next(((name, layer) for name in names), None)


def compressible_of(network: RetrievalNetwork, part: Part) -> dict[str, nn.Parameter]:
    """Those of one part, by name."""
    return {
        name: tensor
        for name, tensor, label in labelled_tensors(network)
        if label.role.compressed and label.part is part
    }
