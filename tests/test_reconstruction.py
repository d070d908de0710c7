"""Layer-wise least squares against numpy's, and what it does for a pruned network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import copy_of, random_network

from pocketvlad.compression.least_squares import masked_least_squares
from pocketvlad.compression.prune import assert_masked, cutoffs, prune_below, zero_masks
from pocketvlad.compression.reconstruction import reconstruct
from pocketvlad.compression.settings import ReconstructionSettings
from pocketvlad.data.city_crops import crop_batches
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible, compressible_of
from pocketvlad.training.distillation import descriptor_distance

CROPS = CropSettings(crops=12, batch=4, image_size=80, crop=0.8, colour=0.2)
SETTINGS = ReconstructionSettings(
    crops=12, patches=3000, iterations=30, projection_crops=40, projection_iterations=10
)


def test_each_row_is_the_least_squares_solution_over_its_survivors():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(400, 20)) * generator.uniform(0.1, 10, 20)
    outputs = generator.normal(size=(400, 6))
    alive = generator.random((6, 20)) < 0.6
    found = masked_least_squares(
        torch.from_numpy(generator.normal(size=(6, 20))),
        torch.from_numpy(alive),
        lambda rows: rows @ torch.from_numpy(inputs.T @ inputs),
        torch.from_numpy(np.square(inputs).sum(axis=0)),
        torch.from_numpy(outputs.T @ inputs),
        iterations=40,
    ).numpy()
    assert not found[~alive].any()
    for row, kept in enumerate(alive):
        expected, *_ = np.linalg.lstsq(inputs[:, kept], outputs[:, row], rcond=None)
        np.testing.assert_allclose(found[row, kept], expected, rtol=1e-6, atol=1e-9)


def test_fewer_samples_than_iterations_do_no_harm():
    """Four equations for 200 weights are solved in four steps; 30 must not spoil them."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(4, 200, generator=generator)
    wanted = torch.randn(4, 6, generator=generator)
    alive = torch.rand(6, 200, generator=generator) < 0.5
    found = masked_least_squares(
        torch.zeros(6, 200),
        alive,
        lambda rows: rows @ inputs.t() @ inputs,
        inputs.square().sum(dim=0),
        wanted.t() @ inputs,
        iterations=30,
    )
    torch.testing.assert_close(inputs @ found.t(), wanted, rtol=0, atol=1e-3)


def test_a_row_without_survivors_stays_zero():
    cross = torch.ones(2, 3)
    alive = torch.tensor([[True, False, True], [False, False, False]])
    found = masked_least_squares(torch.zeros(2, 3), alive, torch.clone, torch.ones(3), cross, 5)
    torch.testing.assert_close(found, torch.tensor([[1.0, 0, 1], [0, 0, 0]]))


@pytest.mark.parametrize("backbone", ["alexnet", "vgg16"])
def test_a_pruned_network_comes_closer_to_the_unpruned(city, backbone):
    network = random_network(backbone, 0.1, 3, 8)
    teacher = copy_of(network)
    prune_below(network, cutoffs(network, "relative", 0.005, 0.65))
    masks = zero_masks(network)
    images = torch.randn(4, 3, 80, 80)

    def distance():
        with torch.no_grad():
            features = [net.backbone(images).flatten(1) for net in (network, teacher)]
            norms = torch.nn.functional.normalize(torch.stack(features), dim=2)
            return descriptor_distance(norms[0], norms[1]).item()

    before = distance()
    for _ in range(2):
        after = copy_of(network)
        reconstruct(
            after, teacher, masks, city.crop_source, CROPS, SETTINGS, np.random.default_rng(3)
        )
        if _ == 0:
            first = after
    assert_masked(after, masks)
    for (_, one), (_, other) in zip(compressible(first), compressible(after), strict=True):
        assert torch.equal(one, other)  # the same generator gives the same weights
    network = after
    assert distance() < 0.7 * before


@pytest.mark.parametrize("bias", [True, False])
def test_a_refitted_projection_answers_as_the_unpruned_one(city, bias):
    """On crops that it was not fitted on; the convolutions are left as they are."""
    network = random_network("alexnet", 0.1, 3, 8)
    if not bias:
        network.projection.bias = None
    teacher = copy_of(network)
    network.projection.weight.data[network.projection.weight.abs() < 0.02] = 0
    masks = zero_masks(network)
    (images,) = crop_batches(city.crop_source, replace(CROPS, batch=12), np.random.default_rng(9))

    def distance(net):
        with torch.no_grad():
            return descriptor_distance(net(images), teacher(images)).item()

    before, settings = distance(network), replace(SETTINGS, crops=0)
    reconstruct(
        network, teacher, masks, city.crop_source, CROPS, settings, np.random.default_rng(3)
    )
    assert_masked(network, masks)
    assert before > 1e-3
    assert distance(network) < 0.3 * before
    kept = compressible_of(teacher, Part.BACKBONE)
    for name, found in compressible_of(network, Part.BACKBONE).items():
        assert torch.equal(found, kept[name])
