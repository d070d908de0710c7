"""Trained quantization, distillation and the L1 penalty against autograd and arithmetic by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import copy_of, weights_of
from training_cities import SETTINGS, Killed

from pocketvlad.compression.codebook_training import (
    read_codebooks,
    recluster,
    train_codebooks,
    use_codebooks,
)
from pocketvlad.compression.prune import cutoffs, prune_below, zero_masks
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.compression.settings import CodebookSettings
from pocketvlad.compression.sparsity import histogram_edges, l1_penalty, weight_histograms
from pocketvlad.data.city_crops import crop_batches
from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import CropSettings
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.distillation import DistillationObjective, descriptor_distance

CROPS = CropSettings(crops=12, batch=4, image_size=67, crop=0.8, colour=0.2)
LEARNING = CodebookSettings(epochs=2, learning_rate=0.001, recluster_steps=0)


@pytest.fixture
def pruned(network):
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    return network


def quantized_layers(network, quantizer="kmeans", bits=3):
    contents = to_contents(Model(network, Preprocessing((0.0,) * 3, (1.0,) * 3)))
    return quantize_contents(contents, quantizer, bits)


def row_factors(tensor):
    """The scales of a layer's rows, to multiply its weights by; ones where it has none."""
    scales = np.ones(len(tensor.codes), np.float32) if tensor.scales is None else tensor.scales
    return scales.reshape(-1, *[1] * (tensor.codes.ndim - 1))


@pytest.mark.parametrize("quantizer", ["kmeans", "uniform-row"])
def test_the_gradient_of_a_centre_is_that_of_an_explicit_gather(pruned, quantizer):
    quantized = quantized_layers(pruned, quantizer)
    images = torch.randn(2, 3, 70, 70)
    direction = torch.randn(8)
    # The reference: every weight its own look-up, differentiated by autograd's indexing.
    reference = copy_of(pruned)
    levels = {
        name: torch.from_numpy(tensor.codebook.copy()).requires_grad_()
        for name, tensor in quantized.items()
    }
    weights = {
        name: levels[name][torch.from_numpy(tensor.codes.astype(np.int64))]
        * torch.from_numpy(row_factors(tensor))
        for name, tensor in quantized.items()
    }
    output = torch.func.functional_call(reference, weights, (images,))
    (output @ direction).sum().backward()

    use_codebooks(pruned, quantized)
    found = pruned(images)
    torch.testing.assert_close(found, output, rtol=0, atol=0)
    (found @ direction).sum().backward()
    for name in quantized:
        module, _, attribute = name.rpartition(".")
        held = pruned.get_submodule(module).parametrizations[attribute].original
        torch.testing.assert_close(held.grad, levels[name].grad[1:], rtol=1e-4, atol=1e-7)


def objective(city, teacher):
    return DistillationObjective(city.crop_source, CROPS, teacher)


def train(city, network, teacher, checkpoint, settings=LEARNING):
    layers = quantized_layers(network)
    return layers, *train_codebooks(
        network, layers, SETTINGS, settings, objective(city, teacher), 5, checkpoint
    )


def test_codebooks_learn_and_assignments_stay(city, network, tmp_path):
    teacher = copy_of(network)
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    masks = zero_masks(network)
    settings = CodebookSettings(epochs=6, learning_rate=0.001, recluster_steps=0)
    before, after, history = train(
        city, network, teacher, Checkpoint(tmp_path / "c.pt", "x"), settings
    )
    assert history[-1].loss < 0.9 * history[1].loss
    moved = 0
    for name, tensor in after.items():
        np.testing.assert_array_equal(tensor.codes, before[name].codes)
        assert tensor.codebook[0] == 0
        assert tensor.codebook.dtype == np.float32
        assert not tensor.dequantize()[masks[name].numpy()].any()  # pruned weights stay zero
        moved += not np.array_equal(tensor.codebook, before[name].codebook)
    assert moved == len(after)
    # What is read off is what the network computes with.
    for name, weight in compressible_after(network, after):
        np.testing.assert_array_equal(weight.detach().numpy(), after[name].dequantize())


def compressible_after(network, quantized):
    for name in quantized:
        module, _, attribute = name.rpartition(".")
        yield name, getattr(network.get_submodule(module), attribute)


def test_a_killed_codebook_training_goes_on_to_the_same_codebooks(
    city, network, tmp_path, monkeypatch
):
    start, teacher = copy_of(network), copy_of(network)
    settings = CodebookSettings(epochs=2, learning_rate=0.001, recluster_steps=2)
    prune_below(start, cutoffs(start, "relative", 0.01, 1.04))
    _, whole, _ = train(
        city, copy_of(start), teacher, Checkpoint(tmp_path / "whole.pt", "x"), settings
    )
    save = Checkpoint.save

    def save_and_die(self, state):
        save(self, state)
        raise Killed

    monkeypatch.setattr(Checkpoint, "save", save_and_die)
    checkpoint = Checkpoint(tmp_path / "killed.pt", "x")
    with pytest.raises(Killed):
        train(city, copy_of(start), teacher, checkpoint, settings)
    monkeypatch.setattr(Checkpoint, "save", save)
    _, resumed, _ = train(city, copy_of(start), teacher, checkpoint, settings)
    for name, tensor in whole.items():
        np.testing.assert_array_equal(resumed[name].codes, tensor.codes)
        np.testing.assert_array_equal(resumed[name].codebook, tensor.codebook)


@pytest.mark.parametrize("quantizer", ["kmeans", "kmeans-row"])
def test_reclustering_assigns_to_the_nearest_moved_centre(pruned, quantizer):
    layers = quantized_layers(pruned, quantizer)
    weights = {name: weight.detach().clone() for name, weight in compressible(pruned)}
    use_codebooks(pruned, layers)
    name = "projection.weight"
    levels = pruned.projection.parametrizations.weight.original
    with torch.no_grad():
        levels.copy_(levels[torch.randperm(len(levels))] * 1.3)  # out of order, too
    recluster(pruned, weights)
    result = read_codebooks(pruned, layers)[name]
    original = weights[name].numpy()
    alive = original != 0
    scaled = original / row_factors(layers[name])
    nearest = np.abs(scaled[..., np.newaxis] - result.codebook[1:]).argmin(axis=-1) + 1
    np.testing.assert_array_equal(result.codes[alive], nearest[alive])
    assert not result.codes[~alive].any()


def test_a_wholly_pruned_layer_has_nothing_to_learn(pruned, city, tmp_path):
    with torch.no_grad():
        pruned.pooling.centres.zero_()
    teacher = copy_of(pruned)
    _, after, _ = train(city, pruned, teacher, Checkpoint(tmp_path / "c.pt", "x"))
    assert not after["pooling.centres"].dequantize().any()
    assert not pruned.pooling.centres.any()  # in the network that was trained, too


def test_distance_of_descriptors_by_hand():
    student = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    teacher = torch.tensor([[0.0, 1.0], [0.6, 0.8]])
    assert descriptor_distance(student, teacher).item() == pytest.approx(1.0)  # (2 + 0) / 2


def test_distillation_draws_every_image_before_any_again(city, network):
    """16 images, 12 crops: 12 different ones; the same generator gives the same."""
    own = objective(city, copy_of(network))
    batches = [
        list(crop_batches(city.crop_source, CROPS, np.random.default_rng(1))) for _ in range(2)
    ]
    assert [len(batch) for batch in batches[0]] == [4, 4, 4]
    for first, second in zip(*batches, strict=True):
        assert torch.equal(first, second)
    losses = list(own.losses(network, np.random.default_rng(1)))
    assert [units for units, _ in losses] == [4, 4, 4]
    # The student is the teacher: nothing to learn.
    assert all(loss.item() == pytest.approx(0, abs=1e-6) for _, loss in losses)


def test_the_l1_penalty_and_its_gradient_by_hand(pruned):
    penalty = l1_penalty(pruned, 0.5)()
    expected = 0.5 * sum(np.abs(w.detach().numpy()).sum() for _, w in compressible(pruned))
    assert penalty.item() == pytest.approx(expected, rel=1e-4)
    penalty.backward()
    for _, weight in compressible(pruned):
        np.testing.assert_allclose(weight.grad.numpy(), 0.5 * np.sign(weight.detach().numpy()))
    assert l1_penalty(pruned, 0) is None


def test_histograms_count_every_weight(network):
    edges = histogram_edges(network)
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    for table, (name, weight) in zip(
        weight_histograms(network, edges, "pruned"), compressible(network), strict=True
    ):
        assert set(table["layer"]) == {name}
        assert table["count"].sum() + table["zeros"].iloc[0] == weight.numel()
        assert table["zeros"].iloc[0] == (weight == 0).sum().item()
        # The pruned middle is empty, beyond it some weights are left.
        deviation = edges[name][-1] / 4
        middle = table[(table["low"] > -deviation) & (table["high"] < deviation)]
        assert middle["count"].sum() == 0
        assert table["count"].sum() > 0


def test_relative_by_row_prunes_by_each_outputs_own_deviation(network):
    with torch.no_grad():
        network.projection.weight[0] *= 100
    limits = cutoffs(network, "relative-row", 0.01, 1.04)
    prune_below(network, limits)
    rows = (network.projection.weight == 0).float().mean(dim=1)
    assert rows[0].item() == pytest.approx(rows[1:].mean().item(), abs=0.15)
    assert limits["backbone.conv1_1.weight"].shape[1:] == (1, 1, 1)
    assert weights_of(network)  # still a network


def test_the_distances_of_validation_crops_are_measured_by_hand(city, network):
    teacher = copy_of(network)
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    measured = objective(city, teacher).validate(network)
    with torch.no_grad():
        batches = crop_batches(city.crop_source, replace(CROPS, crops=6), np.random.default_rng(2))
        pairs = [(network(batch), teacher(batch)) for batch in batches]
    ours, theirs = (np.concatenate([pair[side].numpy() for pair in pairs]) for side in (0, 1))
    assert len(ours) == 6
    assert measured == pytest.approx(-np.mean(2 - 2 * (ours * theirs).sum(axis=1)), rel=1e-4)
    assert objective(city, teacher).validate(network) == measured


def test_codebooks_that_only_got_worse_stay_as_they_were(city, network, tmp_path):
    teacher = copy_of(network)
    prune_below(network, cutoffs(network, "relative", 0.01, 1.04))
    wild = CodebookSettings(epochs=2, learning_rate=50.0, recluster_steps=0)
    before, after, history = train(city, network, teacher, Checkpoint(tmp_path / "c.pt", "x"), wild)
    assert history[0].validation > max(record.validation for record in history[1:])
    for name, tensor in before.items():
        np.testing.assert_array_equal(after[name].codebook, tensor.codebook)
