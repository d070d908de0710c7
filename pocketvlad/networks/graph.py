"""A module's layers in the order of execution, whatever its graph: read by torch.fx.

A graph is a list of steps; each step takes values of earlier ones. Where a network is a chain, one
value is alive at a time; skip connections keep more. Nothing here asks how modules are nested.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor, fx, nn

from pocketvlad.networks.labels import has_own_roles, module_roles

_KEPT = "`networks.modules.kept.kept`"
_KEEP = f"leave them uncompressed by {_KEPT}"

Values = dict[fx.Node, object]
"""The outputs of the steps so far for one batch, if later steps need them."""


class _Tracer(fx.Tracer):
    """Takes modules that have tensors of their own, or no parts, as one step."""

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        alone = has_own_roles(module) or bool(module_roles(module))
        return alone or not any(module.children())

    def call_module(self, module: nn.Module, forward, args: tuple, kwargs: dict) -> object:
        try:
            return super().call_module(module, forward, args, kwargs)
        except fx.proxy.TraceError as error:
            raise _untraceable(self.path_of_module(module), module, error) from None


def _untraceable(path: str, module: nn.Module, error: Exception) -> ValueError:
    return ValueError(
        f"the layers of {path}, a {type(module).__name__}, have no order that can be told without "
        f"its input ({error}); make it one step by {_KEPT}"
    )


@dataclass(frozen=True)
class Graph:
    """The steps of a module that takes one tensor and makes one.

    The module itself is not kept: a copy of it, or the network that it was copied from, can be
    put through the same steps.
    """

    steps: tuple[fx.Node, ...]
    source: fx.Node
    result: fx.Node

    @classmethod
    def of(cls, module: nn.Module) -> "Graph":
        """
        Raises:
            ValueError: the module has not one input and one output, or the order of its layers
                depends on its input; names the part that is so.
        """
        try:
            nodes = list(_Tracer().trace(module).nodes)
        except fx.proxy.TraceError as error:
            raise _untraceable("the network", module, error) from None
        sources = [node for node in nodes if node.op == "placeholder"]
        [output] = [node for node in nodes if node.op == "output"]
        if len(sources) != 1 or not isinstance(output.args[0], fx.Node):
            raise ValueError(f"{type(module).__name__} has not one input and one output")
        steps = tuple(node for node in nodes if node.op not in ("placeholder", "output"))
        return cls(steps, sources[0], output.args[0])

    @cached_property
    def _last_used(self) -> Mapping[fx.Node, list[fx.Node]]:
        """step -> the values that no later step needs."""
        last: dict[fx.Node, fx.Node] = {}
        for step in self.steps:
            for value in (step, *step.all_input_nodes):  # its own, if nobody takes it
                last[value] = step
        dying: dict[fx.Node, list[fx.Node]] = {}
        for value, step in last.items():
            if value is not self.result:
                dying.setdefault(step, []).append(value)
        return dying

    def start(self, images: Tensor) -> Values:
        """The values before the first step."""
        return {self.source: images}

    def advance(self, module: nn.Module, step: fx.Node, values: Values) -> None:
        """Add what `step` makes to `values`, and drop what no later step needs."""
        args = fx.map_arg(step.args, lambda node: values[node])
        kwargs = fx.map_arg(step.kwargs, lambda node: values[node])
        match step.op:
            case "call_module":
                made = module.get_submodule(step.target)(*args, **kwargs)
            case "call_function":
                made = step.target(*args, **kwargs)
            case "call_method":
                made = getattr(args[0], step.target)(*args[1:], **kwargs)
            case "get_attr":
                made = operator.attrgetter(step.target)(module)
        values[step] = made
        for dead in self._last_used.get(step, []):
            del values[dead]

    def alive_after(self) -> list[set[fx.Node]]:
        """The values that are needed after each step."""
        alive, found = {self.source}, []
        for step in self.steps:
            alive = (alive | {step}) - set(self._last_used.get(step, []))
            found.append(alive)
        return found


def module_of(module: nn.Module, step: fx.Node) -> nn.Module | None:
    """The submodule that a step calls; None where it calls none."""
    return module.get_submodule(step.target) if step.op == "call_module" else None


def weighted_steps(module: nn.Module, graph: Graph) -> Sequence[tuple[fx.Node, nn.Module]]:
    """(step, submodule) of every step whose module has weights to be compressed, in order.

    Raises:
        ValueError: a module is called more than once, or two have the same weights.
    """
    found: dict[str, tuple[fx.Node, nn.Module]] = {}
    owners: dict[Tensor, str] = {}
    for step in graph.steps:
        own = module_of(module, step)
        roles = {} if own is None else module_roles(own)
        weights = [getattr(own, name) for name, role in roles.items() if role.compressed]
        if not weights:
            continue
        if step.target in found:
            raise ValueError(
                f"layer {step.target} is used twice: its weights have two tasks; {_KEEP}"
            )
        found[step.target] = (step, own)
        for weight in weights:
            if (other := owners.setdefault(weight, step.target)) != step.target:
                raise ValueError(
                    f"layers {other} and {step.target} have the same weights, which so have two "
                    f"tasks; {_KEEP}"
                )
    return list(found.values())
