"""The bound that `benchmark_rounding` prints beside the bits of a layer."""

import math

import numpy as np
import pytest
import torch
from benchmark_rounding import bounds
from networks import copy_of
from rounding_bound import gaussian_bound, layer_bound
from training_cities import learnt_network

from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.roles import Part
from pocketvlad.networks.labels import compressible_of


def test_components_below_the_water_take_no_bits():
    # The level is 1: of the variances 16, 4, 1/2, errors 1, 1, 1/2.
    bits = gaussian_bound(np.array([16.0, 4.0, 0.5]), 2.5)
    assert bits == pytest.approx((2 + 1 + 0) / 3, rel=1e-9)


def test_an_error_as_large_as_the_weights_takes_no_bits():
    assert gaussian_bound(np.array([4.0, 1.0]), 6.0) == 0


def made(groups, rows, inputs, taps, seed=0):
    """(weights, moments, errors, sensitivities) of a layer, at random."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    columns = inputs * taps
    samples = noise(groups, 4 * columns, columns) @ noise(columns, columns)
    moments = samples.mT @ samples / len(samples[0])
    weights = noise(groups, rows, inputs, taps)
    errors = 0.05 * noise(groups, rows, columns)
    return weights, moments, errors, torch.ones(groups, rows, dtype=torch.float64)


def test_fine_errors_take_the_entropy_less_that_of_the_error():
    # Inputs alike: half the logarithm of variance over error, of each weight.
    weights, _, errors, alike = made(1, 300, 200, 1)
    moments = torch.eye(200, dtype=torch.float64)[None]
    expected = 0.5 * math.log2(1 / 0.05**2)
    assert layer_bound(weights, moments, errors, alike) == pytest.approx(expected, abs=0.01)


def test_scales_of_inputs_outputs_and_taps_change_nothing():
    weights, moments, errors, alike = made(2, 5, 3, 4)
    plain = layer_bound(weights, moments, errors, alike)
    inputs = torch.tensor([[0.1, 1.0, 20.0], [3.0, 1.0, 0.01]], dtype=torch.float64)
    outputs = torch.logspace(-2, 2, 10, dtype=torch.float64).view(2, 5)
    taps = torch.tensor([1.0, 0.5, 0.2, 0.1], dtype=torch.float64)
    columns = (inputs[..., None] * taps).flatten(1)
    assert layer_bound(
        weights * outputs[..., None, None] / columns.view(2, 1, 3, 4),
        moments * columns[:, :, None] * columns[:, None],
        errors * outputs[..., None] / columns[:, None],
        outputs**-2,
    ) == pytest.approx(plain, rel=1e-6)


def test_a_rotation_of_the_inputs_changes_nothing():
    weights, moments, errors, alike = made(1, 2000, 12, 1)
    plain = layer_bound(weights, moments, errors, alike)
    variances, axes = torch.linalg.eigh(moments[0])
    scales = variances ** (-1 / 4)  # as of a stream: `stream_axes`
    turned = axes * scales
    back = axes / scales
    assert layer_bound(
        (weights[..., 0] @ back)[..., None], turned.t() @ moments @ turned, errors @ back, alike
    ) == pytest.approx(plain, abs=0.01)


def test_errors_of_outputs_that_matter_less_cost_fewer_bits():
    weights, moments, errors, alike = made(1, 6, 8, 1)
    errors[:, :3] *= 30  # hide these weights
    little = alike.clone()
    little[:, :3] = 1e-4
    # Three of six outputs as before, and three for nothing.
    whole = layer_bound(weights[:, 3:], moments, errors[:, 3:], alike[:, 3:])
    assert layer_bound(weights, moments, errors, little) == pytest.approx(whole / 2, rel=0.15)


def test_every_layer_is_noted_and_takes_more_bits_than_the_bound(city):
    teacher = learnt_network("alexnet", city)
    network, found = copy_of(teacher), []
    crops = CropSettings(crops=0, batch=4, image_size=96, crop=0.8, colour=0.2)
    settings = RoundingSettings(crops=8, patches=2000, projection_crops=24)
    with torch.no_grad(), bounds(found):
        round_network(network, teacher, city.crop_source, crops, 0.001, settings, 7)
    layers = compressible_of(network, Part.BACKBONE) | compressible_of(network, Part.PROJECTION)
    assert [size for _, size, _, _ in found] == [each.numel() for each in layers.values()]
    for name, _, bits, bound in found:
        assert bits > bound > 0, name
