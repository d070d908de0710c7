"""The axes of features and the scales of columns that a projection is rounded in."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import backbone, copy_of

from pocketvlad.compression.rd.allowance import allowed_errors
from pocketvlad.compression.rd.axes import column_scales, principal_directions
from pocketvlad.compression.rd.clusters import round_clusters
from pocketvlad.compression.rd.quantize import _round_linear, round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.water_level import water_level
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.networks.rotation import rotate_features
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import InitialisationSettings

SETTINGS = RoundingSettings(crops=8, patches=2000, projection_crops=24, ridge=0.5, pooled=0.7)
CROPS = CropSettings(crops=0, batch=4, image_size=96, crop=0.8, colour=0.2)
NETVLAD = {"type": "netvlad", "clusters": 3}
GEM = {"type": "gem", "exponent": 3.0}

pytestmark = pytest.mark.usefixtures("no_gradients")


@pytest.fixture
def no_gradients():
    with torch.no_grad():
        yield


def built(pooling, width=0.06, projection=None):
    architecture = Architecture(
        backbone("vgg16", width),
        declared_part(Part.POOLING, pooling),
        declared_part(Part.PROJECTION, projection or {"type": "pca-whitening", "length": 8}),
    )
    torch.manual_seed(0)
    network = RetrievalNetwork(architecture).eval()
    initialise_randomly(network.backbone, 0)
    return network


def taught(network, city):
    learnt = InitialisationSettings(cluster_images=16, locals_per_image=20, projection_samples=24)
    for fit in (fit_pooling, fit_projection):
        fit(network, city.pictures(city.dataset.images), city.sizing, city.preprocessing, learnt, 3)
    return network


def residuals(network, images):
    """[n, K, D] What NetVLAD's vector of each image holds for each cluster, in double precision."""
    vectors = network.pooled(images).double().numpy()
    return vectors.reshape(len(vectors), -1, 3).transpose(0, 2, 1)


def test_directions_are_those_of_the_residuals_of_all_clusters():
    network = built(NETVLAD)
    images = torch.randn(12, 3, 48, 40, generator=torch.Generator().manual_seed(2))
    found = principal_directions(network, images.split(5)).double().numpy()
    np.testing.assert_allclose(found.T @ found, np.eye(len(found)), atol=1e-6)
    seen = residuals(network, images)
    seen = (seen - seen.mean(axis=0)).reshape(-1, seen.shape[2])
    _, sizes, expected = np.linalg.svd(seen, full_matrices=False)
    distinct = sizes[:8] ** 2
    assert (distinct[:-1] / distinct[1:]).min() > 1.02  # so that each of them is one direction
    np.testing.assert_allclose(np.abs((expected[:7] * found.T[:7]).sum(axis=1)), 1, atol=1e-4)


def test_after_the_rotation_columns_are_in_the_order_of_their_inputs():
    network = built(NETVLAD)
    images = torch.randn(12, 3, 48, 40, generator=torch.Generator().manual_seed(2))
    expected = network(images)
    rotate_features(network, principal_directions(network, [images]))
    assert (network(images) - expected).abs().max() <= 1e-6
    seen = residuals(network, images)
    moments = np.square(seen - seen.mean(axis=0)).mean(axis=(0, 1))
    assert (np.diff(moments) <= 1e-7 * moments[0]).all()


def test_scales_by_hand():
    # Two groups of three channels: columns 0, 2, 4 and 1, 3, 5. Moments of the channels, over both:
    # (1 + 31) / 2 = 16, (0 + 2) / 2 = 1, none.
    rows = torch.tensor([1.0, 31.0, 0.0, 2.0, 0.0, 0.0]).sqrt()
    samples = torch.stack([rows, -rows])
    found = column_scales(samples, torch.tensor([[0, 2, 4], [1, 3, 5]]))
    # Deviations 4, 1 and the least; one over the root of each, the largest being 1.
    np.testing.assert_allclose(found, [1, 1, 2, 2, 100, 100], rtol=1e-3)
    assert torch.equal(found, found.half().float())
    assert torch.equal(column_scales(torch.zeros(2, 6), torch.arange(6)[None]), torch.ones(6))


def level_by_bisection(weights, inputs, error):
    """Where the mean error of the columns whose squares are above the level is as allowed."""
    low, high = 0.0, weights.max()
    for _ in range(100):
        level = (low + high) / 2
        if level * inputs[weights > level].mean() < error:
            low = level
        else:
            high = level
    return low


@pytest.mark.parametrize("error", [1e-5, 1e-3, 0.03])
def test_the_water_level_gives_the_columns_above_it_the_error(error):
    generator = np.random.default_rng(1)
    inputs = 2.0 ** -np.linspace(0, 12, 40)
    weights = inputs ** generator.uniform(0.3, 0.7, 40)
    assert (np.diff(weights) > 0).any()  # they need not be in the order of the inputs
    own, moments = torch.from_numpy(weights), torch.from_numpy(inputs)
    found = water_level(own, moments, error)
    np.testing.assert_allclose(found, level_by_bisection(weights, inputs, error), rtol=1e-9)
    above = weights > found
    assert 0 < above.sum() < 40 or error < 1e-4
    np.testing.assert_allclose(found * inputs[above].mean(), error, rtol=1e-9)
    turned = torch.from_numpy(generator.permutation(40))
    assert water_level(own[turned], moments[turned], error) == pytest.approx(found, rel=1e-12)


def test_the_water_level_by_hand():
    weights, inputs = torch.tensor([1.0, 9.0, 4.0]), torch.tensor([0.0, 8.0, 2.0])
    # All three: 3 e / 10 below 1. The two of the largest weights: 2 e / 10 below 4. One: e / 8
    # below 9.
    assert water_level(weights, inputs, 1.0) == pytest.approx(0.3)
    assert water_level(weights, inputs, 10.0) == pytest.approx(2)
    assert water_level(weights, inputs, 40.0) == pytest.approx(5)
    # Nothing is above: the largest column that moves anything counts.
    assert water_level(weights, inputs, 80.0) == pytest.approx(10)
    assert water_level(weights, torch.tensor([3.0, 0.0, 6.0]), 80.0) == pytest.approx(80 * 2 / 6)


def surgeon(weight, moments, steps):
    """Optimal Brain Surgeon: a column at a time to a multiple of its step; later ones move to
    where they cost least."""
    weight = weight.copy()
    for column in range(weight.shape[1]):
        inverse = np.linalg.inv(moments[column:, column:])
        rounded = steps[column] * np.floor(weight[:, column] / steps[column] + 0.5)
        error = weight[:, column] - rounded
        weight[:, column] = rounded
        weight[:, column + 1 :] -= np.outer(error / inverse[0, 0], inverse[0, 1:])
    return weight


def test_scaled_columns_round_as_columns_of_unlike_steps_do():
    """The surgeon knows no scales: columns have steps, moments and prior are of plain inputs."""
    network = built(NETVLAD).double()
    generator = torch.Generator().manual_seed(4)
    sizes = 2.0 ** torch.linspace(0, -5, network.architecture.backbone.channels)
    features = [
        torch.randn(6, len(sizes), 3, 2, generator=generator).double() * sizes[:, None, None]
        for _ in range(2)
    ]
    layer = network.projection.linear
    layer.weight.normal_(0, 0.3, generator=generator)
    teacher, error = copy.deepcopy(network), 1e-6
    seen = np.concatenate([teacher.pooling(each).numpy() for each in features])
    outputs = seen @ layer.weight.numpy().T + layer.bias.numpy()
    weight, bias = layer.weight.numpy().copy(), outputs.mean(axis=0)
    found = _round_linear(
        layer, network, teacher, zip(features, features, strict=True), error, SETTINGS
    )

    centre = seen.mean(axis=0)
    seen = seen - centre
    count, columns = seen.shape
    by_channel = seen.reshape(count, -1, 3)  # the last axis: clusters
    deviations = np.sqrt(np.square(by_channel).mean(axis=(0, 2)))
    scales = (1 / np.sqrt(deviations / deviations.max())).astype(np.float16).astype(np.float64)
    scales = scales.repeat(3)
    pool = np.einsum("ndk,nek->de", by_channel, by_channel)
    pool /= np.trace(pool) / len(pool)
    prior = np.zeros((columns, columns))
    for cluster in range(3):
        own = np.arange(cluster, columns, 3)
        size = np.square(seen[:, own]).mean()
        moments = 0.7 * size * pool + 0.3 * np.square(seen).mean() * np.eye(len(own))
        prior[np.ix_(own, own)] = 0.5 * moments
    moments = seen.T @ seen / count + prior
    squares = np.square(weight / scales).mean(axis=0)
    level = level_by_bisection(
        squares,
        np.square(seen * scales).mean(axis=0),
        error * np.square(outputs).sum(axis=1).mean(),
    )
    step = math.sqrt(12 * level)
    order = np.arange(columns).reshape(-1, 3).T.ravel()  # cluster after cluster
    expected = np.empty_like(weight)
    expected[:, order] = surgeon(
        weight[:, order], moments[np.ix_(order, order)], step * scales[order]
    )
    np.testing.assert_allclose(found.input_scales, scales)
    np.testing.assert_allclose(layer.weight, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(layer.bias, bias - expected @ centre, rtol=1e-5, atol=1e-8)
    multiples = expected / (step * scales)
    assert 0.05 < (multiples.round() == 0).mean() < 0.95
    assert (np.abs(multiples.round()).max(axis=0) > 1).any()


def test_the_steps_of_clusters_stay_as_fine_after_a_rotation():
    """Rows of 64 small weights; then of one, which holds them all, and eight others."""
    network = built({"type": "netvlad", "clusters": 4}, 0.125)
    plain = copy_of(network)
    signs = np.sign(np.random.default_rng(5).normal(size=(4, 64)))
    turned = np.zeros((4, 64))
    turned[:, 0] = 8
    turned[:, 1:9] = np.random.default_rng(6).uniform(-1, 1, (4, 8))
    for tensor in ("assignment", "centres"):
        getattr(plain.pooling, tensor).copy_(torch.from_numpy(signs))
        getattr(network.pooling, tensor).copy_(torch.from_numpy(turned))
    coarse = {
        name: len(each.codebook) for name, each in round_clusters(copy_of(network), 4).items()
    }
    fine = {name: len(each.codebook) for name, each in round_clusters(network, 4, plain).items()}
    # Eight times the reach: three bits more. A codebook has a place for zero beside the levels.
    assert set(coarse.values()) == {16}
    assert set(fine.values()) == {128}
    assert (network.pooling.centres - torch.from_numpy(turned)).abs().max() <= 8 / 127
    assert (
        len(round_clusters(network, 7, plain)["pooling.centres"].codebook) == 256
    )  # no more than a byte


def test_bits_are_worth_the_same_in_the_projection_as_in_convolutions():
    network = built(NETVLAD)
    last = network.projection.weight.numel()
    others = sum(tensor.numel() for _, tensor in compressible(network)) - last
    error, of_projection = allowed_errors(network, 0.3, SETTINGS)
    # A bit saves 2 ln 2 = 1.386 of a weight's error; 4 of them are what descent asks for a bit.
    assert of_projection / error == pytest.approx(4 / 1.386, rel=1e-3)
    assert others * error + 0.7 * last * of_projection == pytest.approx(0.3)
    halved = replace(SETTINGS, length=4)
    error, of_projection = allowed_errors(network, 0.3, halved)
    assert others * error + 0.7 * last / 2 * of_projection == pytest.approx(0.3)
    for multiplier in (0.0, 1.0):  # where bits are not asked for, as with fine steps
        error, of_projection = allowed_errors(
            network, 0.3, replace(SETTINGS, multiplier=multiplier)
        )
        assert of_projection == error
    bare = built(NETVLAD, projection={"type": "none"})
    error, _ = allowed_errors(bare, 0.3, SETTINGS)
    assert error * sum(tensor.numel() for _, tensor in compressible(bare)) == pytest.approx(0.3)


@pytest.mark.parametrize(("pooling", "rotated"), [(NETVLAD, True), (GEM, False)])
def test_a_network_is_rotated_before_it_is_rounded_if_it_can_be(city, pooling, rotated):
    teacher = taught(built(pooling, 0.1), city)
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    network = copy_of(teacher)
    round_network(network, teacher, city.crop_source, CROPS, 1e-7, SETTINGS, 7)
    for name, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    given, found = (net.backbone.conv5_3.weight.flatten(1) for net in (teacher, network))
    # The kernels' inner products over the outputs outlast a rotation; fine steps move them little.
    torch.testing.assert_close(found.t() @ found, given.t() @ given, rtol=0.02, atol=2e-2)
    turned = float((found - given).norm() / given.norm())
    assert turned > 0.5 if rotated else turned < 0.1
