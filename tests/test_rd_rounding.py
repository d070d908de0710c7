"""Rounding with error feedback against Optimal Brain Surgeon spelt out."""

import numpy as np
import pytest
import torch
from networks import random_network

from pocketvlad.rd.prior import cluster_prior
from pocketvlad.rd.rounding import (
    column_order,
    feedback,
    round_in_order,
    round_with_few_samples,
    second_moments,
    to_multiples,
)
from pocketvlad.rd.sensitivity import channel_sensitivities, coherence, convolutions

MOST = 127


def layer(rows=5, inputs=40, samples=200, seed=0):
    """Weights and correlated inputs, in double precision."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    seen = generator.normal(size=(samples, inputs)) @ mixing + 0.1
    return torch.from_numpy(generator.normal(size=(rows, inputs))), torch.from_numpy(seen)


def surgeon(weight, moments, step):
    """A column at a time: round it, then move all later ones to where they cost least."""
    weight, moments = weight.numpy().copy(), moments.numpy()
    multiples = np.zeros_like(weight)
    inputs = weight.shape[1]
    for column in range(inputs):
        inverse = np.linalg.inv(moments[column:, column:])
        scaled = weight[:, column] / step.numpy()[:, 0]
        multiples[:, column] = np.floor(scaled + 0.5)
        error = weight[:, column] - multiples[:, column] * step.numpy()[:, 0]
        weight[:, column + 1 :] -= np.outer(error / inverse[0, 0], inverse[0, 1:])
    return multiples


def cost(weight, multiples, step, moments):
    error = weight - multiples * step
    return float(((error @ moments) * error).sum())


def test_rounding_by_hand():
    values = torch.tensor([[0.0, 0.6, -0.6, 0.4, 1.4, -1.6, 9.0]])
    step = torch.ones(1, 1)
    assert to_multiples(values, step, 3).tolist() == [[0, 1, -1, 0, 1, -2, 3]]
    assert to_multiples(values, 2 * step, 3).tolist() == [[0, 0, 0, 0, 1, -1, 3]]


@pytest.mark.parametrize("inputs", [7, 1100])  # 1100: more than two blocks
def test_second_moments(inputs):
    samples = np.random.default_rng(0).normal(size=(30, inputs))
    found = second_moments(torch.from_numpy(samples))
    np.testing.assert_allclose(found, samples.T @ samples, rtol=1e-12, atol=1e-12)


def test_errors_are_answered_as_the_surgeon_would():
    weight, seen = layer(inputs=300, samples=900)  # more columns than a block
    moments = seen.t() @ seen / len(seen)
    step = torch.tensor([[0.3], [0.5], [0.7], [1.0], [2.0]], dtype=torch.float64)
    found = round_in_order(weight, feedback(moments), step, MOST)
    np.testing.assert_array_equal(found.numpy(), surgeon(weight, moments, step))
    plain = to_multiples(weight, step, MOST)
    assert cost(weight, found, step, moments) < 0.6 * cost(weight, plain, step, moments)


def test_large_inputs_first_cost_less():
    weight, seen = layer(rows=50)
    seen *= torch.linspace(0.2, 2, 40, dtype=torch.float64)
    moments = seen.t() @ seen / len(seen)
    step = torch.full((50, 1), 1.0, dtype=torch.float64)
    costs = []
    for order in (torch.arange(40), column_order(moments.diagonal())):
        own = moments[order][:, order]
        rounded = round_in_order(weight[:, order], feedback(own), step, MOST)
        costs.append(cost(weight[:, order], rounded, step, own))
    assert costs[1] < 0.8 * costs[0]


def test_independent_inputs_leave_nothing_to_answer():
    weight, _ = layer()
    moments = torch.diag(torch.rand(40, dtype=torch.float64) + 0.1)
    step = torch.full((5, 1), 0.4, dtype=torch.float64)
    found = round_in_order(weight, feedback(moments), step, MOST)
    assert torch.equal(found, to_multiples(weight, step, MOST))


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
    step = torch.full((5, 1), 0.5, dtype=torch.float64)
    wanted = seen @ weight.t() + 0.3 * torch.sin(torch.arange(60.0)).reshape(12, 5)
    regressed = torch.linalg.solve(moments, seen.t() @ wanted / len(seen) + whole @ weight.t())

    # Blocks of large inputs first; in a block, columns of which later blocks leave most.
    order: list[int] = []
    left = sorted(columns.tolist(), key=lambda own: -float(seen[:, own].square().mean()))
    while left:
        own, later = left[0], [each for block in left[1:] for each in block]
        rest = moments[own][:, own]
        if later:
            cross = moments[own][:, later]
            rest = rest - cross @ torch.linalg.inv(moments[later][:, later]) @ cross.t()
        order += [own[each] for each in np.argsort(-rest.diagonal().numpy(), kind="stable")]
        left = left[1:]
    factor = feedback(moments[order][:, order])
    expected = round_in_order(regressed.t()[:, order], factor, step, MOST)
    found = round_with_few_samples(weight, seen, wanted, step, MOST, prior)
    assert not torch.equal(expected, round_in_order(weight[:, order], factor, step, MOST))
    assert torch.equal(found[:, order], expected)


def test_the_prior_of_clusters_by_hand():
    # Two clusters of two channels: columns 0, 2 and 1, 3.
    samples = torch.tensor([[1.0, 3.0, 1.0, 0.0], [-1.0, 3.0, -1.0, 0.0]])
    prior = list(cluster_prior(samples, 2, 0.5, 0.8))
    assert [own.tolist() for own, _ in prior] == [[0, 2], [1, 3]]
    # Moments added up: [[2, 2], [2, 2]] and [[18, 0], [0, 0]]; scaled to a mean diagonal of 1.
    pool = np.array([[20, 2], [2, 2]]) / 11
    for (_, found), size in zip(prior, (1.0, 4.5), strict=True):
        expected = 0.5 * (0.8 * size * pool + 0.2 * 2.75 * np.eye(2))
        np.testing.assert_allclose(found, expected)


def test_sensitivities_are_those_of_the_jacobian():
    network = random_network(descriptor=4)
    images = torch.randn(2, 3, 70, 70, generator=torch.Generator().manual_seed(1))
    found = channel_sensitivities(network, [images], 400, torch.Generator().manual_seed(2))
    assert list(found) == [name for name, _ in convolutions(network)]
    name, last = convolutions(network)[-1]

    def after(outputs):
        vlad = network.netvlad(outputs)
        return torch.nn.functional.normalize(network.whitening(vlad), dim=1)

    expected = torch.zeros(last.out_channels)
    for image in images:
        outputs = network.features(image[None]).detach()
        jacobian = torch.autograd.functional.jacobian(after, outputs)  # [1, F, 1, O, h, w]
        expected += jacobian.square().sum(dim=(0, 1, 2, 4, 5)) / len(images)
    np.testing.assert_allclose(found[name], expected, rtol=0.25)
    assert found[name].sum().item() == pytest.approx(expected.sum().item(), rel=0.1)
    assert all(weight.grad is None for weight in network.parameters())


def test_coherence_is_measured_as_noise_on_the_weights_shows_it():
    network = random_network(descriptor=4)
    images = torch.randn(3, 3, 70, 70, generator=torch.Generator().manual_seed(1))
    layer = network.backbone.conv2_2
    seen = {}
    hook = layer.register_forward_hook(
        lambda _, inputs, output: seen.update(i=inputs[0].detach(), o=output.detach())
    )
    with torch.no_grad():
        expected = network(images)
    hook.remove()
    share = torch.linspace(1, 2, layer.out_channels)
    generator = torch.Generator().manual_seed(5)
    found = coherence(network, layer, seen["i"], seen["o"], expected, share, generator)

    # The same noise, put into the weights, and a bias that makes its mean good.
    noise = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(5))
    noise /= share.sqrt().view(-1, 1, 1, 1)
    change = torch.nn.functional.conv2d(seen["i"], noise, padding=layer.padding)
    means = change.mean(dim=(0, 2, 3))
    variance = (change - means.view(1, -1, 1, 1)).square().mean(dim=(0, 2, 3))
    scale = (0.01 / (share * variance).sum()).sqrt()
    with torch.no_grad():
        layer.weight += scale * noise
        layer.bias -= scale * means
        distance = (network(images) - expected).square().sum(dim=1).mean().item()
    assert found == pytest.approx(distance / 0.01, rel=1e-3)
