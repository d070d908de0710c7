"""Training on tiny cities: it learns, goes on after a kill, keeps pruned weights at zero."""

import numpy as np
import pytest
import torch

from pocketvlad.checkpoint import Checkpoint
from pocketvlad.dataset import Dataset, Query, write_dataset
from pocketvlad.fine_tuning import fine_tune
from pocketvlad.images import Preprocessing, Sizing
from pocketvlad.iterative_pruning import PruningSettings, prune_iteratively
from pocketvlad.model import Architecture, PlaceNet, compressible, initialise_randomly
from pocketvlad.prune import pruned_percent
from pocketvlad.training import TrainingSettings, trainable_parameters
from pocketvlad.training_city import ValidationSettings, load_training_images

SETTINGS = TrainingSettings(
    layers=("all",),
    epochs=2,
    tuples=6,
    tuples_per_step=2,
    negatives=2,
    negative_candidates=10,
    nearest_positives=2,
    instance_share=0.3,
    margin=0.3,
    learning_rate=0.01,
    momentum=0.9,
    weight_decay=0.0,
    decay=0.9,
    gradient_norm=1.0,
    pool=4,
    image_size=67,
    crop=0.8,
    colour=0.2,
)


@pytest.fixture
def city(photograph):
    """Three landmarks of four pictures each (one smooth pattern, two sizes), four others."""
    sizes = {}
    for number, letter in enumerate("abcx"):
        for k in range(4):
            size = (80, 70) if k % 2 else (90, 90)
            seed = number if letter != "x" else 100 + k
            path = photograph(f"city/{letter}{k}.jpg", *size, seed=seed)
            sizes[path.stem] = size
    queries = tuple(
        Query(
            f"{letter}_1",
            letter,
            f"{letter}0",
            (0, 0, 50, 50),
            good=tuple(f"{letter}{k}" for k in range(4)),
            ok=(),
            junk=(),
        )
        for letter in "abc"
    )
    index = path.parent / "dataset.json"
    write_dataset(index, Dataset("city", dict(sorted(sizes.items())), queries, 16, 3))
    return load_training_images(
        index,
        path.parent,
        Sizing(67, "bilinear"),
        Preprocessing((127.5,) * 3, (64.0,) * 3),
        ValidationSettings(0.3, images=4, queries=10),
        seed=1,
    )


@pytest.fixture
def network():
    torch.manual_seed(0)
    net = PlaceNet(Architecture("vgg16", 0.06, 3, 8)).eval()
    initialise_randomly(net.backbone, 0)
    return net


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def assert_same(first, second):
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)


class Killed(Exception):  # noqa: N818
    pass


def test_a_killed_training_goes_on_to_the_same_weights(city, network, tmp_path):
    start = weights_of(network)
    history = fine_tune(
        network, city, SETTINGS, 7, Checkpoint(tmp_path / "whole.pt", "x"), select=True
    )
    expected = weights_of(network)
    assert [record.epoch for record in history] == [0, 1, 2]
    assert any(not torch.equal(expected[name], start[name]) for name in start) or (
        max(history, key=lambda r: r.validation_map).epoch == 0
    )

    def kill(epoch):
        if epoch == 2:
            raise Killed

    network.load_state_dict(start)
    checkpoint = Checkpoint(tmp_path / "killed.pt", "x")
    with pytest.raises(Killed):
        fine_tune(network, city, SETTINGS, 7, checkpoint, select=True, before_epoch=kill)
    network.load_state_dict(start)
    resumed = fine_tune(network, city, SETTINGS, 7, checkpoint, select=True)
    assert resumed == history
    assert_same(expected, weights_of(network))


def test_the_best_epoch_is_kept(city, network, tmp_path, monkeypatch):
    scores = iter([0.2, 0.9, 0.1])
    seen = []

    def scripted(net, images):
        seen.append(weights_of(net))
        return next(scores)

    monkeypatch.setattr("pocketvlad.fine_tuning.validate", scripted)
    fine_tune(network, city, SETTINGS, 7, Checkpoint(tmp_path / "c.pt", "x"), select=True)
    assert_same(seen[1], weights_of(network))


def test_only_the_named_layers_train(network):
    parameters = trainable_parameters(network, ["backbone.conv5", "netvlad"])
    names = {n for n, p in network.named_parameters() if p.requires_grad}
    assert len(parameters) == len(names) == 3 * 2 + 2
    assert all(name.startswith(("backbone.conv5", "netvlad")) for name in names)
    with pytest.raises(ValueError, match=r"'conv9' fits no parameter"):
        trainable_parameters(network, ["conv9"])


@pytest.mark.parametrize("epochs_per_round", [0, 1])
def test_pruning_reaches_its_threshold_and_holds_the_zeros(
    city, network, tmp_path, epochs_per_round
):
    before = {name: weight.detach().clone() for name, weight in compressible(network)}
    pruning = PruningSettings("relative", 2, epochs_per_round, tuples=4, learning_rate=0.01)
    history = prune_iteratively(
        network, city, SETTINGS, pruning, 0.01, 1.04, 3, Checkpoint(tmp_path / "c.pt", "x")
    )
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
    pruning = PruningSettings("relative", 2, 2, tuples=4, learning_rate=0.01)
    arguments = (city, SETTINGS, pruning, 0.01, 1.04, 3)
    prune_iteratively(network, *arguments, Checkpoint(tmp_path / "whole.pt", "x"))
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
        prune_iteratively(network, *arguments, checkpoint)
    monkeypatch.setattr(Checkpoint, "save", save)
    network.load_state_dict(start)
    prune_iteratively(network, *arguments, checkpoint)
    assert_same(expected, weights_of(network))
