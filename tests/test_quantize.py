"""Pruning and quantization against independent arithmetic."""

import numpy as np
import pytest
import torch
from networks import random_network
from sklearn.cluster import KMeans

from pocketvlad.compression.kmeans1d import kmeans1d
from pocketvlad.compression.prune import (
    apply_masks,
    assert_masked,
    cutoffs,
    prune_below,
    pruned_percent,
    zero_masks,
)
from pocketvlad.compression.quantize import quantize_contents, quantize_tensor, row_scales
from pocketvlad.compression.quantizer_names import QUANTIZERS
from pocketvlad.data.images import Preprocessing
from pocketvlad.format.compressed_file import read_compressed, write_compressed
from pocketvlad.format.contents import Contents, read_contents
from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.model import Model, build_model, read_model, write_model
from pocketvlad.util.size import paper_megabytes


@pytest.fixture
def network():
    return random_network("alexnet", 0.1, 4, 8)


def inertia(values, centres):
    return np.square(values[:, np.newaxis] - centres).min(axis=1).sum()


def exact_kmeans1d(values, clusters):
    """Inertia of the optimal clustering, by dynamic programming over the sorted values."""
    x = np.sort(values.astype(np.float64))
    total, square = np.cumsum(np.r_[0, x]), np.cumsum(np.r_[0, x * x])

    def cost(i, j):  # of x[i:j] as one cluster
        return square[j] - square[i] - (total[j] - total[i]) ** 2 / (j - i)

    best = [0.0] + [np.inf] * len(x)
    for _ in range(clusters):
        best = [0.0] + [min(best[i] + cost(i, j) for i in range(j)) for j in range(1, len(x) + 1)]
    return best[-1]


def test_kmeans1d_of_few_values_is_the_optimum():
    values = np.random.default_rng(0).normal(size=150).astype(np.float32)
    for clusters in (1, 3, 7, 15):
        found = inertia(values.astype(np.float64), kmeans1d(values, clusters).astype(np.float64))
        assert found == pytest.approx(exact_kmeans1d(values, clusters), rel=1e-5)


def test_kmeans1d_of_more_values_than_groups_comes_within_a_thousandth_of_the_optimum():
    values = np.random.default_rng(1).laplace(size=900).astype(np.float32)
    found = inertia(values.astype(np.float64), kmeans1d(values, 7).astype(np.float64))
    assert found <= 1.001 * exact_kmeans1d(values, 7)


def test_kmeans1d_is_no_worse_than_scikit_learn_on_many_weights():
    generator = np.random.default_rng(1)
    values = generator.laplace(size=100_000).astype(np.float32)
    theirs = KMeans(31, n_init=3, random_state=0).fit(values[:, np.newaxis]).inertia_
    ours = inertia(values.astype(np.float64), kmeans1d(values, 31).astype(np.float64))
    assert ours <= 1.0001 * theirs


def test_kmeans1d_of_few_distinct_values_is_exact():
    values = np.repeat(np.array([-1.0, 0.25, 3.0], dtype=np.float32), [5, 1, 9])
    np.testing.assert_array_equal(kmeans1d(values, 8), [-1.0, 0.25, 3.0])
    np.testing.assert_array_equal(kmeans1d(values[:1], 8), [-1.0])
    with pytest.raises(ValueError, match="0 clusters"):
        kmeans1d(values, 0)
    with pytest.raises(ValueError, match="finite"):
        kmeans1d(np.array([np.nan], dtype=np.float32), 2)


def test_uniform_levels_by_hand():
    weight = np.array([0.0, -1.0, -0.4, 0.6, 2.0, 0.0], dtype=np.float32)
    # 2 bits: zero, and three levels from -1 to 2: -1, 0.5, 2.
    quantized = quantize_tensor(weight, "uniform", 2)
    np.testing.assert_allclose(quantized.codebook, [0.0, -1.0, 0.5, 2.0])
    assert quantized.codes.tolist() == [0, 1, 1, 2, 3, 0]
    np.testing.assert_allclose(quantized.dequantize(), [0.0, -1.0, -1.0, 0.5, 2.0, 0.0])
    # 1 bit: zero, and the middle.
    found = quantize_tensor(weight, "uniform", 1).dequantize()
    np.testing.assert_allclose(found, [0.0, 0.5, 0.5, 0.5, 0.5, 0.0])


@pytest.mark.parametrize("quantizer", ["uniform", "kmeans"])
@pytest.mark.parametrize("bits", [1, 5, 8])
def test_levels_zeros_and_nearest(quantizer, bits):
    weight = np.random.default_rng(2).normal(size=(40, 50)).astype(np.float32)
    weight[np.abs(weight) < 0.5] = 0
    quantized = quantize_tensor(weight, quantizer, bits)
    assert len(quantized.codebook) <= 2**bits
    result = quantized.dequantize()
    assert result.dtype == np.float32
    assert not result[weight == 0].any()
    survivors = weight[weight != 0]
    levels = quantized.codebook[1:]
    nearest = np.abs(survivors[:, np.newaxis] - levels).min(axis=1)
    np.testing.assert_allclose(np.abs(result[weight != 0] - survivors), nearest, atol=1e-6)
    if quantizer == "uniform":
        np.testing.assert_allclose(
            np.diff(levels), np.ptp(levels) / max(1, len(levels) - 1), rtol=1e-4
        )


def test_row_scales_by_hand():
    # Survivors of 3 and 4 have a root mean square of sqrt(12.5), the largest; those of the second
    # row a hundredth of it; the third row is pruned away.
    weight = np.array([[3, 0, -4], [0.03, 0.04, 0], [0, 0, 0]], dtype=np.float32)
    np.testing.assert_allclose(row_scales(weight), [1, 0.01, 1], rtol=1e-3)
    quantized = quantize_tensor(weight, "uniform-row", 8)
    np.testing.assert_array_equal(quantized.scales, row_scales(weight))
    # Levels from -4 to 4.0016 in 254 steps: nothing is off by more than half of one.
    np.testing.assert_allclose(quantized.dequantize()[0], weight[0], atol=0.016)
    np.testing.assert_allclose(quantized.dequantize()[1], weight[1], atol=0.00016)
    assert not quantized.dequantize()[weight == 0].any()
    # Without scales the small row has hardly a level of its own.
    plain = quantize_tensor(weight, "uniform", 8).dequantize()
    assert np.abs(plain[1] - weight[1]).max() > 0.005


def test_rows_of_no_size_at_all_keep_a_scale():
    weight = np.array([[1.0, 2.0], [1e-30, -1e-30]], dtype=np.float32)
    scales = row_scales(weight)
    assert (scales > 0).all()
    assert np.isfinite(quantize_tensor(weight, "kmeans-row", 8).dequantize()).all()


def test_wholly_pruned_layer_and_bad_arguments():
    zeros, ones = np.zeros(3, dtype=np.float32), np.ones(1, dtype=np.float32)
    assert quantize_tensor(zeros, "kmeans", 8).dequantize().tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="'median' is unknown"):
        quantize_tensor(ones, "median", 8)
    with pytest.raises(ValueError, match="9 bits"):
        quantize_tensor(ones, "uniform", 9)


def test_both_readings_of_a_threshold(network):
    weight = network.backbone.conv3.weight
    absolute = cutoffs(network, "absolute", 0.05, 1.47)
    relative = cutoffs(network, "relative", 0.05, 1.04)
    assert absolute["backbone.conv3.weight"].item() == pytest.approx(0.05)
    deviation = np.std(weight.detach().numpy(), ddof=1)
    assert relative["backbone.conv3.weight"].item() == pytest.approx(1.04 * deviation, rel=1e-5)
    expected = float((weight.abs() < 1.04 * deviation).float().mean()) * 100
    prune_below(network, relative)
    assert pruned_percent(network)["backbone.conv3.weight"] == pytest.approx(expected, abs=0.01)
    # On bell-shaped weights, 1.04 deviations remove what the paper reports for 0.01: 70 %.
    assert expected == pytest.approx(70, abs=1.5)
    assert "backbone.conv3.bias" not in relative
    with pytest.raises(ValueError, match="'both' is unknown"):
        cutoffs(network, "both", 0.05, 1)


def test_pruned_weights_stay_zero_and_a_revived_one_is_noticed(network):
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    masks = zero_masks(network)
    with torch.no_grad():
        for _, weight in compressible(network):
            weight.add_(0.01)
    with pytest.raises(AssertionError, match="are not zero any more"):
        assert_masked(network, masks)
    apply_masks(network, masks)
    assert_masked(network, masks)
    percent = pruned_percent(network)
    parts = [(w.numel(), int(masks[n].sum())) for n, w in compressible(network)]
    assert percent["total"] == pytest.approx(
        100 * sum(z for _, z in parts) / sum(s for s, _ in parts)
    )


PREPROCESSING = Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


def test_compressed_file_decodes_to_the_quantized_network(network, tmp_path):
    prune_below(network, cutoffs(network, "relative", 0.005, 0.65))
    plain, path = tmp_path / "m.safetensors", tmp_path / "m.pvlad"
    write_model(plain, Model(network, PREPROCESSING))
    contents = read_contents(plain)
    quantized = quantize_contents(contents, "kmeans", 5)
    assert set(quantized) == {name for name, _ in compressible(network)}
    size = write_compressed(path, contents, quantized)
    assert size == path.stat().st_size
    decoded = build_model(read_compressed(path), path)
    assert decoded.preprocessing == PREPROCESSING
    for name, weight in decoded.network.named_parameters():
        expected = quantized[name].dequantize() if name in quantized else contents.tensors[name]
        np.testing.assert_array_equal(weight.detach().numpy(), expected)
    assert pruned_percent(decoded.network) == pruned_percent(network)
    assert not list(tmp_path.glob("*.part"))


def test_damaged_model_files_are_refused(network, tmp_path):
    path = tmp_path / "m.safetensors"
    write_model(path, Model(network, PREPROCESSING))
    found = read_model(path).network.state_dict()["projection.weight"]
    torch.testing.assert_close(found, network.projection.weight.detach())
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(FormatError, match=r"m\.safetensors"):
        read_model(path)
    path.write_bytes(b"not a model")
    with pytest.raises(FormatError, match=r"m\.safetensors"):
        read_model(path)


def test_the_papers_size_convention_gives_the_papers_sizes():
    # AlexNet, 8 bits at 69.92 % pruned: 20.0 MB; VGG16, 5 bits at 75.66 %: 21.2 MB.
    assert paper_megabytes(69_479_808, 69.92, 8) == pytest.approx(20.0, abs=0.1)
    assert paper_megabytes(149_002_048, 75.66, 5) == pytest.approx(21.2, abs=0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_a_weight_that_is_not_finite_is_named(quantizer, value):
    weight = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    weight[1, 2] = value
    labels = {"backbone.conv1.weight": Label(Part.BACKBONE, Role.CONVOLUTION)}
    contents = Contents({"backbone.conv1.weight": weight}, labels, {})
    with pytest.raises(ValueError, match=r"backbone\.conv1\.weight is not finite: .* lower the"):
        quantize_contents(contents, quantizer, 3)
