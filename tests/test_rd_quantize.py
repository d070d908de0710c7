"""Whole networks rounded by rate and distortion, on a tiny city."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import backbone, copy_of, network_behind, random_network
from scipy.fft import idctn
from training_cities import learnt_network

from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.multiples import from_multiples
from pocketvlad.compression.rd.quantize import round_network
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.data.city_crops import crop_batches
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.layer_coding import decode_layer, encode_layer
from pocketvlad.format.symbol_model import coded_bits
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.networks.network import kept_length
from pocketvlad.training.distillation import descriptor_distance

CROPS = CropSettings(crops=0, batch=4, image_size=96, crop=0.8, colour=0.2)
SETTINGS = RoundingSettings(
    crops=8,
    patches=2000,
    damping=0.01,
    projection_crops=24,
    ridge=0.5,
    pooled=0.7,
    cluster_bits=6,
    multiplier=4.0,
    sweeps=3,
)


def bits(quantized):
    return sum(coded_bits(tensor) for tensor in quantized.values())


@pytest.fixture(params=["alexnet", "vgg16"])
def teacher(request, city):
    return learnt_network(request.param, city)


def rounded(teacher, city, distortion, settings=SETTINGS):
    network = copy_of(teacher)
    return network, round_network(
        network, teacher, city.crop_source, CROPS, distortion, settings, 7
    )


def distance(network, teacher, city):
    (images,) = crop_batches(
        city.crop_source, replace(CROPS, crops=12, batch=12), np.random.default_rng(99)
    )
    with torch.no_grad():
        return descriptor_distance(network(images), teacher(images)).item()


def test_multiples_are_kept_to_the_last_bit():
    multiples = np.array([[0, 3, -1], [-2, 0, 1]])
    found = from_multiples(multiples, 0.5)
    np.testing.assert_array_equal(found.dequantize(), [[0, 1.5, -0.5], [-1, 0, 0.5]])
    again = decode_layer(encode_layer(found), (2, 3))
    np.testing.assert_array_equal(again.dequantize(), found.dequantize())
    kernels = np.random.default_rng(0).integers(-3, 4, (2, 5, 3, 3))
    found = from_multiples(kernels, 0.5, transformed=True)
    expected = idctn(kernels * 0.5, axes=(2, 3), norm="ortho")
    np.testing.assert_allclose(found.dequantize(), expected, atol=1e-6)
    again = decode_layer(encode_layer(found), (2, 5, 3, 3))
    np.testing.assert_array_equal(again.dequantize(), found.dequantize())
    nothing = from_multiples(np.zeros((2, 3)), 0.5)
    np.testing.assert_array_equal(nothing.dequantize(), np.zeros((2, 3)))


def test_a_network_is_what_its_codes_say(teacher, city):
    network, quantized = rounded(teacher, city, 0.05)
    assert set(quantized) == {name for name, _ in compressible(network)}
    for name, weight in compressible(network):
        np.testing.assert_array_equal(weight.detach().numpy(), quantized[name].dequantize())
    again = rounded(teacher, city, 0.05)[1]
    for name, tensor in quantized.items():  # the same seed, the same codes
        np.testing.assert_array_equal(again[name].codes, tensor.codes)


def test_layers_on_the_trellis_are_what_their_codes_say(teacher, city):
    """In the file, too; layers of few inputs and the projection are as without it."""
    network, quantized = rounded(teacher, city, 0.05, replace(SETTINGS, trellis=True))
    others = {name for name, tensor in quantized.items() if not tensor.on_trellis}
    inputs = {name: weight[0].numel() for name, weight in compressible(network)}
    convolutions = {name for name in inputs if name.startswith("backbone.")}
    long = {name for name in convolutions if inputs[name] >= 32}
    assert others == inputs.keys() - long
    assert len(long) > 2
    for name, weight in compressible(network):
        again = decode_layer(encode_layer(quantized[name]), tuple(weight.shape))
        np.testing.assert_array_equal(weight.detach().numpy(), again.dequantize())
    plain = rounded(teacher, city, 0.05)[0]
    assert distance(network, teacher, city) < 1.3 * distance(plain, teacher, city)


def test_less_distortion_costs_more_bits(teacher, city):
    results = [rounded(teacher, city, distortion) for distortion in (0.005, 0.05)]
    (fine, coarse), (most, least) = zip(*[(n, bits(q)) for n, q in results], strict=True)
    assert distance(fine, teacher, city) < distance(coarse, teacher, city)
    assert most > 1.3 * least


def test_components_that_are_left_out_cost_nothing(teacher, city):
    whole = bits(rounded(teacher, city, 0.005)[1])
    short = shortened(teacher, 5)
    network = copy_of(short)
    settings = replace(SETTINGS, length=5)
    quantized = round_network(network, short, city.crop_source, CROPS, 0.005, settings, 7)
    (images,) = crop_batches(
        city.crop_source, replace(CROPS, crops=48, batch=48), np.random.default_rng(99)
    )
    with torch.no_grad():
        found, first = network(images), teacher(images)[:, :5]
    assert not found[:, 5:].any()
    assert not network.projection.bias[5:].any()
    assert teacher.projection.weight[5:].any()  # the base model stays as it was
    assert short.backbone is teacher.backbone
    # What is kept is what the base model has there, of unit length again.
    expected = torch.nn.functional.normalize(first, dim=1)
    assert (found[:, :5] - expected).square().sum(dim=1).mean() < 0.05
    assert not quantized["projection.weight"].dequantize()[5:].any()
    assert bits(quantized) < whole


def test_the_projection_sees_the_crops_of_the_convolutions():
    few = replace(SETTINGS, crops=8, projection_crops=2)
    assert few.as_dict()["projection_crops"] == few.seen_by_projection == 8
    assert SETTINGS.as_dict()["projection_crops"] == 24


def test_rows_of_zeros_take_no_bits_in_a_layer_of_some_size():
    multiples = np.round(np.random.default_rng(0).laplace(size=(64, 4096)))
    multiples[48:] = 0
    layer, alone = from_multiples(multiples, 0.5), from_multiples(multiples[:48], 0.5)
    assert len(encode_layer(layer)) < len(encode_layer(alone)) + 64


def test_a_descriptor_cannot_be_made_longer():
    network = random_network()
    assert shortened(network, None) is network
    with pytest.raises(ValueError, match=r"length 9 is more than the descriptor's 8 .* 8 or less"):
        shortened(network, 9)


def test_fewer_bits_and_closer_than_rounding_each_weight_by_itself(teacher, city):
    network, quantized = rounded(teacher, city, 0.02)
    contents = to_contents(Model(teacher, city.preprocessing))
    for width in range(8, 1, -1):  # the first width that takes fewer bits
        plain = quantize_contents(contents, "uniform-row", width)
        if bits(plain) < bits(quantized):
            break
    other = copy_of(teacher)
    for name, weight in compressible(other):
        weight.data = torch.from_numpy(plain[name].dequantize())
    finer = quantize_contents(contents, "uniform-row", width + 1)  # and more than ours
    assert bits(finer) >= bits(quantized)
    for name, weight in compressible(other):
        weight.data = torch.from_numpy(finer[name].dequantize())
    assert distance(network, teacher, city) < distance(other, teacher, city)


@pytest.mark.parametrize("pooling", ["mean", "abs-mean"])
def test_a_projection_whose_inputs_are_all_alike_is_zeros(city, pooling):
    """Rounded so coarsely that nothing is left of the convolutions but their biases."""
    teacher = network_behind(backbone("alexnet", 0.1), pooling, {"type": "linear", "length": 5})
    settings = replace(SETTINGS, multiplier=1000.0)
    network, quantized = rounded(teacher, city, 0.9, settings)
    assert not quantized["projection.weight"].codes.any()
    assert not network.projection.weight.any()
    (images,) = crop_batches(
        city.crop_source, replace(CROPS, crops=6, batch=6), np.random.default_rng(99)
    )
    with torch.no_grad():
        made, wanted = network(images), teacher(images)
    assert torch.equal(made, made[:1].expand_as(made))
    assert descriptor_distance(made, wanted) < 0.5


def test_a_projection_without_a_bias_is_rounded(teacher, city):
    """What is asked for decides how far descriptors move, as with one."""
    teacher.projection.bias = None
    moved = {}
    for distortion in (0.01, 0.5):
        network, quantized = rounded(teacher, city, distortion)
        weight = network.projection.weight.detach().numpy()
        np.testing.assert_array_equal(weight, quantized["projection.weight"].dequantize())
        assert network.projection.bias is None
        moved[distortion] = distance(network, teacher, city)
        assert kept_length(shortened(network, 5)) == 5
    assert 0 < moved[0.01] < min(0.1, moved[0.5])
