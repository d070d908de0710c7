"""Training on tiny cities: it learns, goes on after a kill, keeps pruned weights at zero."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import assert_same, weights_of
from training_cities import SETTINGS, Killed

from pocketvlad.compression import iterative_pruning
from pocketvlad.compression.iterative_pruning import prune_iteratively
from pocketvlad.compression.prune import prune_below, pruned_percent
from pocketvlad.compression.settings import PruningSettings
from pocketvlad.compression.sparsity import l1_penalty
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.modules.mean import Mean
from pocketvlad.training import fine_tuning
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.epoch import train_epoch, trainable_parameters
from pocketvlad.training.fine_tuning import EpochRecord, fine_tune
from pocketvlad.training.triplet_objective import TripletObjective


def tune(network, city, checkpoint, **options):
    objective = TripletObjective(city, SETTINGS)
    return fine_tune(network, SETTINGS, 7, checkpoint, objective=objective, select=True, **options)


def prune(network, city, pruning, checkpoint, l1=0.0):
    objective = TripletObjective(city, SETTINGS, tuples=4)
    return prune_iteratively(network, SETTINGS, pruning, objective, 0.01, 1.04, l1, 3, checkpoint)


def test_a_killed_training_goes_on_to_the_same_weights(city, network, tmp_path):
    start = weights_of(network)
    history = tune(network, city, Checkpoint(tmp_path / "whole.pt", "x"))
    expected = weights_of(network)
    assert [record.epoch for record in history] == [0, 1, 2]
    assert any(not torch.equal(expected[name], start[name]) for name in start) or (
        max(history, key=lambda r: r.validation).epoch == 0
    )

    def kill(epoch):
        if epoch == 2:
            raise Killed

    network.load_state_dict(start)
    checkpoint = Checkpoint(tmp_path / "killed.pt", "x")
    with pytest.raises(Killed):
        tune(network, city, checkpoint, before_epoch=kill)
    network.load_state_dict(start)
    resumed = tune(network, city, checkpoint)
    assert resumed == history
    assert_same(expected, weights_of(network))


def test_without_an_epoch_the_network_stays_and_nothing_is_scored(network, tmp_path):
    """Neither the layers nor the objective are asked: the network need not have such layers."""
    start = weights_of(network)
    network.train()
    settings = replace(SETTINGS, epochs=0, layers=("no such layer",))
    checkpoint = Checkpoint(tmp_path / "none.pt", "x")
    history = fine_tune(network, settings, 7, checkpoint, objective=None, select=True)
    assert history == [EpochRecord(0, None, None)]
    assert_same(start, weights_of(network))
    assert not network.training


def test_a_training_that_was_longer_is_not_gone_on_with(city, network, tmp_path):
    start = weights_of(network)
    one, checkpoint = replace(SETTINGS, epochs=1), Checkpoint(tmp_path / "longer.pt", "x")
    tune(network, city, checkpoint)  # two epochs, whose checkpoint nobody deletes
    found = []
    for each in (checkpoint, Checkpoint(tmp_path / "fresh.pt", "x")):
        network.load_state_dict(start)
        history = fine_tune(
            network, one, 7, each, objective=TripletObjective(city, one), select=True
        )
        found.append((history, weights_of(network)))
    assert found[0][0] == found[1][0]
    assert_same(found[0][1], found[1][1])


def test_the_best_epoch_is_kept(city, network, tmp_path, monkeypatch):
    scores = iter([0.2, 0.9, 0.1])
    seen = []

    def scripted(net, images):
        seen.append(weights_of(net))
        return next(scores)

    monkeypatch.setattr("pocketvlad.training.triplet_objective.validate", scripted)
    tune(network, city, Checkpoint(tmp_path / "c.pt", "x"))
    assert_same(seen[1], weights_of(network))


def test_only_the_named_layers_train(network):
    parameters = trainable_parameters(network, ["backbone.conv5", "pooling"])
    names = {n for n, p in network.named_parameters() if p.requires_grad}
    assert len(parameters) == len(names) == 3 * 2 + 2
    assert all(name.startswith(("backbone.conv5", "pooling")) for name in names)
    with pytest.raises(ValueError, match=r"'conv9' fits no parameter"):
        trainable_parameters(network, ["conv9"])


def test_a_part_without_parameters_may_be_named(network):
    network.pooling = Mean()
    parameters = trainable_parameters(network, ["projection", "pooling"])
    assert [parameter.shape for parameter in parameters] == [(8, 93), (8,)]
    with pytest.raises(ValueError, match="layers pooling have no parameter; choose among backbone"):
        trainable_parameters(network, ["pooling"])


class Slope:
    """The same gradient in every step: 5 for each weight."""

    size, unit = 2, "step"

    def losses(self, network, generator):
        for _ in range(self.size):
            yield 1, 5 * sum(weight.sum() for weight in network.projection.parameters())


@pytest.mark.parametrize("gradient_norm", [0.3, 1e6])
def test_training_goes_down_the_slope_as_by_hand(network, tmp_path, gradient_norm):
    """SGD with momentum and decay of weights (Sutskever et al. 2013, as torch documents it), a rate
    that falls from epoch to epoch, and gradients that are cut to a length."""
    chosen = {"layers": ("projection",), "epochs": 3, "learning_rate": 0.1, "decay": 0.5}
    chosen |= {"momentum": 0.8, "weight_decay": 0.02, "gradient_norm": gradient_norm}
    weights = {k: v.numpy().astype(np.float64) for k, v in weights_of(network.projection).items()}
    count = sum(each.size for each in weights.values())
    slope = 5 * min(1, gradient_norm / (5 * np.sqrt(count)))
    speeds = dict.fromkeys(weights, 0.0)
    for epoch in range(3):
        for _ in range(Slope.size):
            for name in weights:
                speeds[name] = 0.8 * speeds[name] + slope + 0.02 * weights[name]
                weights[name] = weights[name] - 0.1 * 0.5**epoch * speeds[name]
    others = weights_of(network.backbone)
    checkpoint = Checkpoint(tmp_path / "c.pt", "x")
    fine_tune(network, replace(SETTINGS, **chosen), 7, checkpoint, objective=Slope(), select=False)
    for name, weight in network.projection.state_dict().items():
        np.testing.assert_allclose(weight.numpy(), weights[name], rtol=1e-4, atol=1e-5)
    assert_same(others, weights_of(network.backbone))


def test_pruning_goes_to_its_cutoff_in_equal_steps_at_its_own_rate(
    city, network, tmp_path, monkeypatch
):
    limits, rates = [], []

    def note_limits(network, given):
        limits.append(given)
        prune_below(network, given)

    def note_rate(network, optimiser, *others):
        rates.append(optimiser.param_groups[0]["lr"])
        return train_epoch(network, optimiser, *others)

    monkeypatch.setattr(iterative_pruning, "prune_below", note_limits)
    monkeypatch.setattr(fine_tuning, "train_epoch", note_rate)
    expected = {name: 1.04 * float(weight.detach().std()) for name, weight in compressible(network)}
    pruning = PruningSettings(rounds=4, epochs_per_round=1, learning_rate=0.004)
    prune(network, city, pruning, Checkpoint(tmp_path / "c.pt", "x"))
    assert [set(each) for each in limits] == [set(expected)] * 4
    for round_, found in enumerate(limits, start=1):
        for name, limit in found.items():
            assert float(limit) == pytest.approx(expected[name] * round_ / 4, rel=1e-3)
    assert rates == pytest.approx([0.004 * SETTINGS.decay**epoch for epoch in range(4)])


@pytest.mark.parametrize("epochs_per_round", [0, 1])
def test_pruning_reaches_its_threshold_and_holds_the_zeros(
    city, network, tmp_path, epochs_per_round
):
    before = {name: weight.detach().clone() for name, weight in compressible(network)}
    pruning = PruningSettings(rounds=2, epochs_per_round=epochs_per_round, learning_rate=0.01)
    history = prune(network, city, pruning, Checkpoint(tmp_path / "c.pt", "x"))
    assert len(history) == 2 * epochs_per_round + 1
    percent = pruned_percent(network)["total"]
    one_shot = 100 * np.mean(
        np.concatenate([(w.abs() < 1.04 * w.std()).flatten().numpy() for w in before.values()])
    )
    # Fine-tuning in between moves a few weights across the cutoff.
    assert percent == pytest.approx(one_shot, abs=5 if epochs_per_round else 1e-3)
    if epochs_per_round:
        moved = [
            float((weight.detach() - before[name])[weight != 0].abs().max())
            for name, weight in compressible(network)
        ]
        assert min(moved) > 0  # every layer's survivors were fine-tuned


def test_killed_pruning_goes_on_to_the_same_zeros(city, network, tmp_path, monkeypatch):
    start = weights_of(network)
    pruning = PruningSettings(rounds=2, epochs_per_round=2, learning_rate=0.01)
    prune(network, city, pruning, Checkpoint(tmp_path / "whole.pt", "x"))
    expected = weights_of(network)

    network.load_state_dict(start)
    checkpoint = Checkpoint(tmp_path / "killed.pt", "x")
    saves = []
    save = Checkpoint.save

    def save_and_die(self, state):
        save(self, state)
        saves.append(state)
        if len(saves) == 3:  # in the middle of the second round
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", save_and_die)
    with pytest.raises(Killed):
        prune(network, city, pruning, checkpoint)
    monkeypatch.setattr(Checkpoint, "save", save)
    network.load_state_dict(start)
    prune(network, city, pruning, checkpoint)
    assert_same(expected, weights_of(network))


def test_the_l1_penalty_makes_weights_smaller(city, network, tmp_path):
    start = weights_of(network)
    pruning = PruningSettings(rounds=1, epochs_per_round=2, learning_rate=0.01)
    sums = []
    for l1 in (0.0, 0.1):
        network.load_state_dict(start)
        prune(network, city, pruning, Checkpoint(tmp_path / f"{l1}.pt", "x"), l1)
        sums.append(sum(w.abs().sum().item() for _, w in compressible(network)))
    assert sums[1] < 0.998 * sums[0]


def test_the_penalty_is_not_clipped(network):
    """One step by hand: where the loss says nothing, a weight moves by the rate times lambda."""

    class Silent:
        size, unit = 1, "step"

        def losses(self, net, generator):
            yield 1, 0.0 * sum(weight.sum() for weight in net.parameters())

    start = weights_of(network)
    parameters = list(network.parameters())
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    train_epoch(
        network,
        optimiser,
        parameters,
        Silent(),
        1e-6,
        np.random.default_rng(0),
        "step",
        lambda: None,
        l1_penalty(network, 0.02),
    )
    for name, weight in compressible(network):
        expected = start[name] - 0.1 * 0.02 * start[name].sign()
        torch.testing.assert_close(weight.detach(), expected, rtol=0, atol=1e-6)
