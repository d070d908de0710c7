"""Convolutions rounded, against the same arithmetic spelt out group by group, in NumPy."""

import copy
import math

import numpy as np
import pytest
import torch
from scipy.fft import dct
from scipy.linalg import block_diag
from surgeon import surgeon
from torch import nn

from pocketvlad.compression.paired_layers import PairedConvolution
from pocketvlad.compression.rd import convolution
from pocketvlad.compression.rd.settings import RoundingSettings

CHANNELS, OUTPUTS = 12, 24
SETTINGS = RoundingSettings(patches=10**6, damping=0.02, multiplier=0.0, sweeps=1)
ERROR = 0.03


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
    return PairedConvolution("layer", layer, original, given, wanted, [], lambda _, made: made)


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
    draw = ERROR / np.square(weights).mean()
    prepared, lefts = [], []
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
        drawn = moments + draw * np.eye(len(moments))
        best, target = right @ np.linalg.inv(moments), right @ np.linalg.inv(drawn)
        lefts += [1 / np.linalg.inv(drawn[j:, j:])[0, 0] for j in range(len(drawn))]
        prepared.append((centre, moments, best, target, drawn))
    step = math.sqrt(12 * ERROR / np.exp(np.mean(np.log(lefts))))
    found, shifts = [], []
    for centre, moments, best, target, drawn in prepared:
        start = surgeon(torch.from_numpy(target), torch.from_numpy(drawn), step)
        kernels = nearest_in_turn(start, best, moments, step) * step @ basis
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
        pair, ERROR, SETTINGS, torch.Generator().manual_seed(0)
    )
    assert 0.05 < (quantized.codes == 0).mean() < 0.95
    np.testing.assert_allclose(pair.layer.weight, weights, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(quantized.dequantize(), pair.layer.weight)
    if bias:
        np.testing.assert_allclose(pair.layer.bias, biases, rtol=1e-5, atol=1e-5)
