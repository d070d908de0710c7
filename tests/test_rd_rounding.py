"""Rounding with error feedback against Optimal Brain Surgeon spelt out."""

import numpy as np
import pytest
import torch
from networks import random_network
from surgeon import surgeon

from pocketvlad.compression.paired_layers import paired_convolutions
from pocketvlad.compression.rd.prior import group_prior
from pocketvlad.compression.rd.rounding import (
    feedback,
    round_in_order,
    round_with_few_samples,
    second_moments,
    to_multiples,
)
from pocketvlad.compression.rd.sensitivity import sensitivity

MAX_MULTIPLE = 127


def layer(rows=5, inputs=40, samples=200, seed=0):
    """Weights and correlated inputs, in double precision."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    seen = generator.normal(size=(samples, inputs)) @ mixing + 0.1
    return torch.from_numpy(generator.normal(size=(rows, inputs))), torch.from_numpy(seen)


def cost(weight, multiples, step, moments):
    error = weight - multiples * step
    return float(((error @ moments) * error).sum())


def test_rounding_by_hand():
    values = torch.tensor([[0.0, 0.6, -0.6, 0.4, 1.4, -1.6, 9.0]])
    assert to_multiples(values, 1.0, 3).tolist() == [[0, 1, -1, 0, 1, -2, 3]]
    assert to_multiples(values, 2.0, 3).tolist() == [[0, 0, 0, 0, 1, -1, 3]]


@pytest.mark.parametrize("inputs", [7, 1100])  # 1100: more than two blocks
def test_second_moments(inputs):
    samples = np.random.default_rng(0).normal(size=(30, inputs))
    found = second_moments(torch.from_numpy(samples))
    np.testing.assert_allclose(found, samples.T @ samples, rtol=1e-12, atol=1e-12)


def test_errors_are_answered_as_the_surgeon_would():
    weight, seen = layer(inputs=300, samples=900)  # more columns than a block
    moments = seen.t() @ seen / len(seen)
    for step in (0.3, 0.7, 2.0):
        found = round_in_order(weight, feedback(moments), step, MAX_MULTIPLE)
        np.testing.assert_array_equal(found.numpy(), surgeon(weight, moments, step))
        plain = to_multiples(weight, step, MAX_MULTIPLE)
        assert cost(weight, found, step, moments) < 0.6 * cost(weight, plain, step, moments)


def test_groups_are_rounded_as_each_would_be_alone():
    groups = [layer(inputs=140, samples=400, seed=seed) for seed in range(3)]  # more than a block
    moments = [seen.t() @ seen / len(seen) for _, seen in groups]
    weights = torch.stack([weight for weight, _ in groups])
    found = round_in_order(weights, feedback(torch.stack(moments)), 0.7, MAX_MULTIPLE)
    for each, (weight, _), own in zip(found, groups, moments, strict=True):
        np.testing.assert_array_equal(each.numpy(), surgeon(weight, own, 0.7))


def test_independent_inputs_leave_nothing_to_answer():
    weight, _ = layer()
    moments = torch.diag(torch.rand(40, dtype=torch.float64) + 0.1)
    step = 0.4
    found = round_in_order(weight, feedback(moments), step, MAX_MULTIPLE)
    assert torch.equal(found, to_multiples(weight, step, MAX_MULTIPLE))


@pytest.mark.parametrize("blocks", [1, 4])
def test_few_samples_round_as_all_their_moments_do(blocks):
    weight, seen = layer(samples=12)
    generator = np.random.default_rng(3)
    columns = torch.from_numpy(generator.permutation(40).reshape(blocks, -1))
    prior, whole = [], torch.zeros(40, 40, dtype=torch.float64)
    for own in columns:
        mixing = torch.from_numpy(generator.normal(size=(len(own), len(own))))
        prior.append((own, 0.02 * mixing @ mixing.t() + 0.3 * torch.eye(len(own))))
        whole[own[:, None], own] = prior[-1][1]
    moments = seen.t() @ seen / len(seen) + whole
    step = 0.5
    wanted = seen @ weight.t() + 0.3 * torch.sin(torch.arange(60.0)).reshape(12, 5)
    regressed = torch.linalg.solve(moments, seen.t() @ wanted / len(seen) + whole @ weight.t())

    order = columns.flatten()
    factor = feedback(moments[order][:, order])
    expected = round_in_order(regressed.t()[:, order], factor, step, MAX_MULTIPLE)
    found = round_with_few_samples(weight, seen, wanted, step, MAX_MULTIPLE, prior)
    assert not torch.equal(expected, round_in_order(weight[:, order], factor, step, MAX_MULTIPLE))
    assert torch.equal(found[:, order], expected)


def test_the_prior_of_clusters_by_hand():
    # Two clusters of two channels: columns 0, 2 and 1, 3.
    samples = torch.tensor([[1.0, 3.0, 1.0, 0.0], [-1.0, 3.0, -1.0, 0.0]])
    prior = list(group_prior(samples, torch.tensor([[0, 2], [1, 3]]), 0.5, 0.8))
    assert [own.tolist() for own, _ in prior] == [[0, 2], [1, 3]]
    # Moments added up: [[2, 2], [2, 2]] and [[18, 0], [0, 0]]; scaled to a mean diagonal of 1.
    pool = np.array([[20, 2], [2, 2]]) / 11
    for (_, found), size in zip(prior, (1.0, 4.5), strict=True):
        expected = 0.5 * (0.8 * size * pool + 0.2 * 2.75 * np.eye(2))
        np.testing.assert_allclose(found, expected)


@pytest.fixture
def walked():
    """A network, a convolution of it on a walk, images, what was seen and made of them; outputs
    of the convolution, descriptors."""
    network, seen = random_network(descriptor=4), {}
    images = torch.randn(8, 3, 70, 70, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        walk = paired_convolutions(network, network, [images], 10**6, "layers")
        pair = next(each for each in walk if each.name == "backbone.conv2_2.weight")
        pair.layer.register_forward_hook(lambda _, given, made: seen.update(i=given[0], o=made))
        descriptors = network(images)
    assert pair.layer is pair.original is network.backbone.conv2_2
    torch.testing.assert_close(pair.seen[0], seen["i"])
    yield network, pair, images, seen, (seen["o"], descriptors)
    walk.close()


def moved_by(noise, walked):
    """(variance of the outputs' change, summed; squared distance) of noise on the weights, means
    made good by biases."""
    network, pair, images, seen, (outputs, descriptors) = walked
    layer = pair.layer
    weight, bias = layer.weight.clone(), layer.bias.clone()
    with torch.no_grad():
        layer.weight += noise
        network(images)
        layer.bias -= (seen["o"] - outputs).mean(dim=(0, 2, 3))
        distance = (network(images) - descriptors).square().sum(dim=1).mean()
        variance = (seen["o"] - outputs).square().mean(dim=(0, 2, 3)).sum()
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return float(variance), float(distance)


def test_sensitivity_is_what_noise_on_the_weights_shows(walked):
    network, pair, _, _, (outputs, descriptors) = walked
    found = sensitivity(network, pair, 0, descriptors, torch.Generator().manual_seed(5))
    noise = torch.randn(pair.layer.weight.shape, generator=torch.Generator().manual_seed(5))
    large, _ = moved_by(noise, walked)
    size = 0.01 * outputs.var(dim=(0, 2, 3)).sum().item()
    variance, distance = moved_by((size / large) ** 0.5 * noise, walked)
    assert variance == pytest.approx(size, rel=1e-3)
    assert found == pytest.approx(distance / variance, rel=1e-3)


def test_sensitivity_foretells_what_other_errors_do(walked):
    network, pair, _, _, (_, descriptors) = walked
    generator = torch.Generator().manual_seed(5)
    foretold = [sensitivity(network, pair, 0, descriptors, generator) for _ in range(20)]
    noise = torch.randn(20, *pair.layer.weight.shape, generator=generator)
    errors = 0.02 * pair.layer.weight.detach().std() * noise
    shown = [moved_by(error, walked) for error in errors]
    found = np.mean([distance / variance for variance, distance in shown])
    assert found == pytest.approx(np.mean(foretold), rel=0.3)
