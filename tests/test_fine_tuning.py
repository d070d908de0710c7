"""Training on tiny cities: it learns, goes on after a kill, keeps pruned weights at zero."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import assert_same, weights_of
from training_cities import SETTINGS, Killed

from pocketvlad.compression.iterative_pruning import prune_iteratively
from pocketvlad.compression.prune import pruned_percent
from pocketvlad.compression.settings import PruningSettings
from pocketvlad.compression.sparsity import l1_penalty
from pocketvlad.networks.labels import compressible
from pocketvlad.networks.modules.mean import Mean
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
