"""Convolutions rounded, against the same arithmetic spelt out group by group, in NumPy."""

import copy

import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.linalg import block_diag
from scipy.stats import gmean
from surgeon import surgeon
from torch import nn

from pocketvlad.compression.paired_layers import PairedConvolution
from pocketvlad.compression.rd import convolution
from pocketvlad.compression.rd.settings import RoundingSettings

CHANNELS, OUTPUTS = 12, 24
SETTINGS = RoundingSettings(patches=10**6, damping=0.02, multiplier=0.0, sweeps=1)
ERRORS = 0.03 * 4.0 ** (torch.arange(OUTPUTS, dtype=torch.float64) * 7 % 5 - 2)
ALLOWED = convolution.AllowedErrors(ERRORS, 0.001)
UNIT = 2.0**-3  # the power of two nearest to the root of 12 times 0.001, 0.1095


def made(groups, bias):
    """A layer on its walk, in double precision: its inputs are not those of the original."""
    generator = torch.Generator().manual_seed(groups)

    def noise(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    original = nn.Conv2d(CHANNELS, OUTPUTS, 3, 2, 1, groups=groups, bias=bias).double()
    original.weight.data = noise(*original.weight.shape)
    if bias:
        original.bias.data = noise(OUTPUTS)
    smooth = nn.functional.avg_pool2d(noise(4, CHANNELS, 17, 17), 3, 1)
    # Channels that differ in size, and one that a ReLU has shut.
    seen = (smooth + 0.3) * torch.arange(CHANNELS)[:, None, None]
    given = list((seen + 0.1 * noise(*seen.shape)).split(2))
    given[0][:, 0] = given[1][:, 0] = 0
    wanted = [original(each) for each in seen.split(2)]
    layer = copy.deepcopy(original)
    return PairedConvolution("layer", layer, original, given, wanted)


def patches_of(images, channels):
    """[n places, C 9] What the kernels see, places of an image in order."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    side = (images.shape[2] + 1) // 2
    return np.stack(
        [
            image[channels, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3].ravel()
            for image in padded
            for y in range(side)
            for x in range(side)
        ]
    )


def nearest_in_turn(multiples, best, moments, step):
    """Each weight moves to where it costs least while the others stay."""
    multiples = multiples.copy()
    for column in range(multiples.shape[1]):
        error = best - multiples * step
        error[:, column] = best[:, column]
        place = error @ moments[:, column] / moments[column, column]
        multiples[:, column] = np.floor(place / step + 0.5)
    return multiples


def spelt_out(pair):
    """([O, C, 3, 3] weights, [O] biases or None) of the rounded layer."""
    original, groups = pair.original, pair.original.groups
    given = torch.cat(pair.given).numpy()
    outputs = torch.cat(pair.wanted).permute(0, 2, 3, 1).reshape(-1, OUTPUTS).numpy()
    inputs, rows = CHANNELS // groups, OUTPUTS // groups
    one = dct(np.eye(3), norm="ortho", axis=0)
    basis = block_diag(*[np.kron(one, one)] * inputs)
    weights = original.weight.numpy().reshape(OUTPUTS, -1)
    prepared, steps = [], []
    for group in range(groups):
        seen = patches_of(given, slice(group * inputs, (group + 1) * inputs))
        own = slice(group * rows, (group + 1) * rows)
        centre = seen.mean(axis=0) * (original.bias is not None)
        wanted = outputs[:, own] - outputs[:, own].mean(axis=0) * (original.bias is not None)
        seen = seen - centre
        moments = seen.T @ seen / len(seen)
        damping = SETTINGS.damping * max(np.trace(moments) / len(moments), 1e-12)
        moments += damping * np.eye(len(moments))
        right = wanted.T @ seen / len(seen) + damping * weights[own]
        moments, right = basis @ moments @ basis.T, right @ basis.T
        errors = ERRORS.numpy()[own]
        draw = gmean(errors) / np.square(weights[own]).mean()
        drawn = moments + draw * np.eye(len(moments))
        best, target = right @ np.linalg.inv(moments), right @ np.linalg.inv(drawn)
        left = gmean([1 / np.linalg.inv(drawn[j:, j:])[0, 0] for j in range(len(drawn))])
        steps.append(np.sqrt(12 * errors / left))
        prepared.append((centre, moments, best, target, drawn))
    step = gmean(np.ravel(steps))
    found, shifts = [], []
    all_scales = 2 ** np.round(np.log2(np.array(steps) / step) / 2)
    assert all_scales.max() >= 4 * all_scales.min()
    for (centre, moments, best, target, drawn), own in zip(prepared, all_scales, strict=True):
        scales = own[:, None]
        start = surgeon(torch.from_numpy(target / scales), torch.from_numpy(drawn), step)
        kernels = nearest_in_turn(start, best / scales, moments, step) * step * scales @ basis
        found.append(kernels)
        shifts.append(kernels @ centre)
    weights = np.concatenate(found).reshape(original.weight.shape)
    if original.bias is None:
        return weights, None
    return weights, outputs.mean(axis=0) - np.concatenate(shifts)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("groups", "columns"),
    [(1, 4608), (3, 4608), (12, 4608), (12, 45)],  # 45: runs of 5, 5, 2
)
@torch.no_grad()
def test_groups_are_what_each_would_be_alone(groups, columns, bias, monkeypatch):
    monkeypatch.setattr(convolution, "_COLUMNS", columns)
    pair = made(groups, bias)
    weights, biases = spelt_out(pair)
    quantized = convolution.round_convolution(
        pair, ALLOWED, SETTINGS, torch.Generator().manual_seed(0)
    )
    assert 0.05 < (quantized.codes == 0).mean() < 0.95
    np.testing.assert_allclose(pair.layer.weight, weights, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(quantized.dequantize(), pair.layer.weight)
    if bias:
        np.testing.assert_array_equal(pair.layer.bias, (pair.layer.bias / UNIT).round() * UNIT)
        np.testing.assert_allclose(pair.layer.bias, biases, rtol=0, atol=UNIT / 2 + 1e-5)
