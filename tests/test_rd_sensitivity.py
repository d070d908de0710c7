"""Sensitivities, against what changes of weights and biases do."""

import numpy as np
import pytest
import torch
from backbones.bottlenecks import Bottlenecks
from networks import backbone, network_behind

from pocketvlad.compression.rd.sensitivity import sensitivities

IMAGES = torch.randn(4, 3, 44, 36, generator=torch.Generator().manual_seed(2))
NOISES = 30


@pytest.fixture(params=["conv2_2", "bottlenecks.1.depthwise", "bottlenecks.2.expand"])
def network_and_name(request):
    declared = Bottlenecks() if "." in request.param else backbone("vgg16", 0.06)
    pooling, projection = {"type": "netvlad", "clusters": 3}, {"type": "linear", "length": 5}
    return network_behind(declared, pooling, projection), request.param


@torch.no_grad()
def change(network, layer, weights=0.0, biases=0.0):
    """(variances [O] of the outputs' change, squared distance of the descriptors) of a change of
    a layer; means of what weights change are made good by biases."""
    seen, before = [], [each.clone() for each in layer.parameters()]
    handle = layer.register_forward_hook(lambda _, given, made: seen.append(made))
    expected = network(IMAGES)
    layer.weight += weights
    network(IMAGES)
    changed = seen[1] - seen[0]
    layer.bias += biases - changed.mean(dim=(0, 2, 3))
    distance = (network(IMAGES) - expected).square().sum(dim=1).mean()
    handle.remove()
    for parameter, value in zip(layer.parameters(), before, strict=True):
        parameter.copy_(value)
    return changed.var(dim=(0, 2, 3), correction=0), float(distance)


def test_they_foretell_what_errors_do(network_and_name):
    network, name = network_and_name
    layer = network.backbone.get_submodule(name)
    generator = torch.Generator().manual_seed(5)
    many = sensitivities(network, [IMAGES] * NOISES, generator)
    found = many[f"backbone.{name}.weight"]
    shape = (layer.out_channels,)
    assert found.outputs.shape == found.biases.shape == shape
    for output in found.outputs.argsort()[[-1, -3, len(found.outputs) // 2]]:
        shown = []
        for _ in range(NOISES):
            noise = torch.zeros_like(layer.weight)
            noise[output] = 1e-3 * torch.randn(noise[output].shape, generator=generator)
            variances, distance = change(network, layer, weights=noise)
            shown.append(distance / float(variances[output]))
        assert float(found.outputs[output]) == pytest.approx(np.mean(shown), rel=0.4)
        shift = torch.zeros(shape)
        shift[output] = 1e-3
        _, distance = change(network, layer, biases=shift)
        assert float(found.biases[output]) == pytest.approx(distance / 1e-6, rel=0.4)


def test_an_output_that_nothing_reads_has_none():
    network = network_behind(Bottlenecks(), "mean")
    network.backbone.bottlenecks[1].project.weight.data[:, 4] = 0
    found = sensitivities(network, [IMAGES], torch.Generator().manual_seed(1))
    for own in ("expand", "depthwise"):
        sensitive = found[f"backbone.bottlenecks.1.{own}.weight"]
        assert sensitive.outputs[4] == sensitive.biases[4] == 0
        assert (sensitive.outputs > 0).sum() > 12
    assert set(found) == {n for n, _ in network.named_parameters() if n.endswith("weight")}


def test_an_input_that_never_changes_makes_no_output_sensitive():
    """Its variance and its part of the gradient are nothing but rounding."""
    network = network_behind(Bottlenecks(), "mean")
    block = network.backbone.bottlenecks[1]
    block.expand.weight.data[3] = 0
    block.expand.bias.data[3] = 1.7
    block.depthwise.padding = (0, 0)  # at whose zeros it would change
    found = sensitivities(network, [IMAGES], torch.Generator().manual_seed(1))
    outputs = found["backbone.bottlenecks.1.depthwise.weight"].outputs
    assert outputs[3] < 1e-3 * outputs.median()


def test_it_leaves_the_network_as_it_was():
    network = network_behind(Bottlenecks(), "mean")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    sensitivities(network, [IMAGES], torch.Generator().manual_seed(1))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_pre_hooks for module in network.modules())
