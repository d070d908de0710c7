"""The order of execution as torch.fx reads it, against what torch's own hooks see."""

import copy
import weakref

import pytest
import torch
from graphs import BottleneckNetwork, ResidualNetwork, with_statistics
from networks import backbone
from torch import nn

from pocketvlad.networks.graph import Graph, module_of, weighted_steps

BUILD = {
    "vgg16": lambda: backbone("vgg16", 0.06).build(),
    "alexnet": lambda: backbone("alexnet", 0.06).build(),
    "residual": ResidualNetwork,
    "residual, normalised": lambda: ResidualNetwork(norm=True),
    "bottlenecks": BottleneckNetwork,
    "bottlenecks, normalised": lambda: BottleneckNetwork(norm=True),
}
IMAGES = torch.randn(2, 3, 44, 40, generator=torch.Generator().manual_seed(3))

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.fixture
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(params=BUILD)
def module(request):
    return with_statistics(BUILD[request.param]())


def convolutions_in_order(module, images):
    """Names of the convolutions as their forward hooks fire."""
    fired = []
    handles = [
        each.register_forward_hook(lambda *_, name=name: fired.append(name))
        for name, each in module.named_modules()
        if isinstance(each, nn.Conv2d)
    ]
    module(images)
    for handle in handles:
        handle.remove()
    return fired


def test_layers_are_in_the_order_in_which_hooks_fire(module):
    found = weighted_steps(module, Graph.of(module))
    assert [step.target for step, _ in found] == convolutions_in_order(module, IMAGES)
    for step, own in found:
        assert own is module.get_submodule(step.target) is module_of(module, step)


@pytest.mark.parametrize("network", [ResidualNetwork, BottleneckNetwork])
def test_that_order_is_not_the_one_of_registration(network):
    module = network()
    registered = [n for n, each in module.named_modules() if isinstance(each, nn.Conv2d)]
    assert sorted(registered) == sorted(convolutions_in_order(module, IMAGES))
    assert registered != convolutions_in_order(module, IMAGES)


def test_step_by_step_makes_what_forward_makes(module):
    graph = Graph.of(module)
    values = graph.start(IMAGES)
    for step in graph.steps:
        graph.advance(module, step, values)
    assert list(values) == [graph.result]
    assert torch.equal(values[graph.result], module(IMAGES))


def test_a_graph_serves_a_copy_of_its_module(module):
    graph, other = Graph.of(module), copy.deepcopy(module)
    for parameter in other.parameters():
        parameter.mul_(1.25)
    values = graph.start(IMAGES)
    for step in graph.steps:
        graph.advance(other, step, values)
    assert torch.equal(values[graph.result], other(IMAGES))
    assert not torch.equal(values[graph.result], module(IMAGES))


def needed_after(graph):
    """By step the values that a later step takes, or that are the result."""
    nodes = [graph.source, *graph.steps]
    for number in range(1, len(nodes)):
        later = {node for step in nodes[number + 1 :] for node in step.all_input_nodes}
        yield {node for node in nodes[: number + 1] if node in later or node is graph.result}


def test_values_are_dropped_as_soon_as_nobody_needs_them(module):
    graph = Graph.of(module)
    needed = list(needed_after(graph))
    assert graph.alive_after() == needed
    values, made = graph.start(IMAGES.clone()), {}
    made[graph.source] = weakref.ref(values[graph.source])
    for step, living in zip(graph.steps, needed, strict=True):
        graph.advance(module, step, values)
        made[step] = weakref.ref(values[step])
        assert set(values) == living
        # Not only from the dictionary: nothing else holds them, either.
        held = {id(value) for value in values.values()}
        for node, tensor in made.items():
            assert node in living or tensor() is None or id(tensor()) in held


def test_a_skip_connection_keeps_a_value():
    most = {name: max(map(len, Graph.of(build()).alive_after())) for name, build in BUILD.items()}
    assert most == {
        "vgg16": 1,
        "alexnet": 1,
        "residual": 2,
        "residual, normalised": 2,
        "bottlenecks": 2,
        "bottlenecks, normalised": 2,
    }


def test_a_value_that_nobody_takes_is_dropped_at_once():
    class Aside(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.aside = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)

        def forward(self, images):
            maps = self.first(images)
            self.aside(maps)
            return maps.relu()

    module = Aside()
    graph = Graph.of(module)
    values = graph.start(IMAGES)
    for step, living in zip(graph.steps, needed_after(graph), strict=True):
        graph.advance(module, step, values)
        assert set(values) == living
    assert graph.alive_after() == list(needed_after(graph))
    assert torch.equal(values[graph.result], module(IMAGES))


def test_a_layer_used_twice_is_refused_and_a_relu_is_not():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(3, 3, 1))
            self.relu = nn.ReLU()

        def forward(self, images):
            return self.inner(self.relu(self.inner(self.relu(images))))

    module = Twice()
    graph = Graph.of(module)
    with pytest.raises(ValueError, match=r"layer inner\.0 is used twice"):
        weighted_steps(module, graph)
    bottlenecks = BottleneckNetwork()
    targets = [step.target for step in Graph.of(bottlenecks).steps]
    assert targets.count("bottlenecks.0.relu") == 2
    weighted_steps(bottlenecks, Graph.of(bottlenecks))


def test_layers_that_share_their_weights_are_refused():
    module = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 1))
    module[2].bias = module[0].bias
    assert len(weighted_steps(module, Graph.of(module))) == 2
    module[2].weight = module[0].weight
    with pytest.raises(ValueError, match="layers 0 and 2 have the same weights"):
        weighted_steps(module, Graph.of(module))


def test_buffers_and_methods_are_steps_too():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Conv2d(3, 4, 1)
            self.register_buffer("gain", torch.rand(4, 1, 1), persistent=False)

        def forward(self, images):
            return (self.inner(images) * self.gain).clamp(min=0).mean(dim=(2, 3), keepdim=True)

    module = Scaled()
    graph = Graph.of(module)
    assert {"get_attr", "call_method", "call_module", "call_function"} == {
        step.op for step in graph.steps
    }
    values = graph.start(IMAGES)
    for step in graph.steps:
        graph.advance(module, step, values)
    assert torch.equal(values[graph.result], module(IMAGES))
    [(_, own)] = weighted_steps(module, graph)
    assert own is module.inner


def test_one_input_and_one_output():
    class TwoInputs(nn.Module):
        def forward(self, first, second):
            return first + second

    class TwoOutputs(nn.Module):
        def forward(self, images):
            return images, images.relu()

    for module in (TwoInputs(), TwoOutputs()):
        with pytest.raises(ValueError, match=rf"{type(module).__name__} has not one input and one"):
            Graph.of(module)
