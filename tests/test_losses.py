"""Losses against loops in float64 and against differences; their objectives on a tiny city."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import assert_same, random_network, weights_of
from training_cities import SETTINGS, Killed
from workflow_runs import ROOT, load_config

from pocketvlad.data.images import CENTRED, load_image, to_batch
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.study.config import check_config, with_defaults
from pocketvlad.study.faults import ConfigError
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.declared import LOSSES
from pocketvlad.training.epoch import trainable_parameters
from pocketvlad.training.fine_tuning import fine_tune
from pocketvlad.training.relational_objective import RelationalObjective, neighbour_batches
from pocketvlad.training.teacher import teacher_descriptors
from pocketvlad.training.triplet_objective import TripletObjective

SMALL = {
    "triplet": {},
    "contrastive": {"batches": 3, "landmarks": 2, "views": 3, "instances": 1},
    "multi-similarity": {"batches": 3, "landmarks": 2, "views": 3, "instances": 1},
    "distillation": {"batches": 3, "groups": 2, "neighbours": 2, "scales": [0.8, 1.0]},
}
"""Every loss, sized for a tiny city."""


def loss(kind, **settings):
    return LOSSES.of({"type": kind, **SMALL[kind], **settings})


def unit_rows(count=9, length=5, seed=0, spread=1.0):
    """[count, length] of unit length; a smaller spread makes them more alike."""
    rows = 1 + spread * np.random.default_rng(seed).normal(size=(count, length))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def known_pairs():
    """Three of a landmark, three of another, one image twice, and one of which little is known."""
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3])
    same = labels[:, None] == labels
    np.fill_diagonal(same, False)
    different = labels[:, None] != labels
    different[8, 6:] = different[6:, 8] = different[8, 0] = different[0, 8] = False
    return same, different


def contrastive_by_hand(rows, same, different, margin):
    together, apart = [], []
    for i in range(len(rows)):
        for j in range(i):
            distance = np.sqrt(((rows[i] - rows[j]) ** 2).sum())
            if same[i, j]:
                together.append(distance**2 / 2)
            if different[i, j] and distance < margin:
                apart.append((margin - distance) ** 2 / 2)
    return np.mean(together) + (np.mean(apart) if apart else 0)


def multi_similarity_by_hand(rows, same, different, alpha, beta, threshold, epsilon):
    total = 0.0
    for i in range(len(rows)):
        similarities = rows @ rows[i]
        positives, negatives = similarities[same[i]], similarities[different[i]]
        if len(positives) == 0 or len(negatives) == 0:
            continue
        kept = [s for s in positives if s < negatives.max() + epsilon]
        hard = [s for s in negatives if s > positives.min() - epsilon]
        total += np.log(1 + sum(np.exp(-alpha * (s - threshold)) for s in kept)) / alpha
        total += np.log(1 + sum(np.exp(beta * (s - threshold)) for s in hard)) / beta
    return total / len(rows)


def relational_by_hand(pupil, teacher):
    def relative(rows):
        pairs = [(i, j) for i in range(len(rows)) for j in range(i)]
        distances = np.array([np.linalg.norm(rows[i] - rows[j]) for i, j in pairs])
        return distances / distances.mean()

    found = []
    for one, other in zip(relative(pupil), relative(teacher), strict=True):
        error = abs(one - other)
        found.append(error**2 / 2 if error <= 1 else error - 0.5)
    return np.mean(found)


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("margin", [0.2, 0.7, 1.6])
def test_contrastive_agrees_with_a_loop(spread, margin):
    rows, known = unit_rows(spread=spread), known_pairs()
    found = loss("contrastive", margin=margin).of(*map(torch.from_numpy, (rows, *known)))
    assert found.item() == pytest.approx(contrastive_by_hand(rows, *known, margin))


def test_contrastive_of_two_pairs():
    rows = torch.eye(3, dtype=torch.float64)[[0, 1, 1]]
    same, different = torch.zeros(3, 3, dtype=bool), torch.zeros(3, 3, dtype=bool)
    same[0, 1] = same[1, 0] = different[1, 2] = different[2, 1] = True
    # sqrt(2) apart: 2 / 2. At one point: 0.7^2 / 2.
    assert loss("contrastive").of(rows, same, different).item() == pytest.approx(1 + 0.245)


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
@pytest.mark.parametrize(
    ("alpha", "beta", "threshold", "epsilon"), [(2, 50, 0.5, 0.1), (2, 50, 1, 0.1), (5, 9, 0, 0)]
)
def test_multi_similarity_agrees_with_a_loop(spread, alpha, beta, threshold, epsilon):
    rows, known = unit_rows(spread=spread), known_pairs()
    given = loss(
        "multi-similarity", alpha=alpha, beta=beta, threshold=threshold, mining_margin=epsilon
    )
    expected = multi_similarity_by_hand(rows, *known, alpha, beta, threshold, epsilon)
    assert expected > 0
    found = given.of(*map(torch.from_numpy, (rows, *known))).item()
    assert found == pytest.approx(expected)


def test_multi_similarity_mines():
    """Pairs in the right order by more than epsilon add nothing, and have no gradient."""
    rows = torch.eye(4, dtype=torch.float64)[[0, 0, 1, 1]].requires_grad_()
    same = torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=bool)
    different = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]], dtype=bool)
    found = loss("multi-similarity").of(rows, same, different)
    found.backward()
    assert found.item() == 0
    assert not rows.grad.any()


def test_relational_distances_agree_with_a_loop_whatever_length_and_scale():
    pupil = unit_rows(6, 5, 1)
    teacher = np.random.default_rng(2).normal(size=(6, 8)) ** 3  # some errors are above 1
    expected = relational_by_hand(pupil, teacher)
    for scale in (1, 7):
        found = loss("distillation").of(*map(torch.from_numpy, (pupil, scale * teacher)))
        assert found.item() == pytest.approx(expected)
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))
    same = loss("distillation").of(*map(torch.from_numpy, (pupil, pupil @ rotation)))
    assert same.item() == pytest.approx(0, abs=1e-12)


def test_gradients_agree_with_differences():
    rows, known = torch.from_numpy(unit_rows()), list(map(torch.from_numpy, known_pairs()))
    rows.requires_grad_()
    for kind in ("contrastive", "multi-similarity"):
        given = loss(kind)
        assert torch.autograd.gradcheck(lambda x, given=given: given.of(x, *known), rows)
    teacher = torch.from_numpy(unit_rows(seed=4))
    assert torch.autograd.gradcheck(lambda x: loss("distillation").of(x, teacher), rows)


@pytest.mark.parametrize("kind", ["contrastive", "multi-similarity"])
def test_equal_descriptors_and_unknown_pairs_have_finite_gradients(kind):
    rows = torch.ones(9, 4) / 2
    for known in (known_pairs(), [np.zeros((9, 9), bool)] * 2):
        given = rows.clone().requires_grad_()
        loss(kind).of(given, *map(torch.from_numpy, known)).backward()
        assert torch.isfinite(given.grad).all()


def test_a_batch_has_the_nearest_that_are_not_there_yet():
    angles = np.array([0, 0.1, 0.25, 2.0, 2.1, 2.3, 4.0, 4.1, 4.3])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for seed in range(5):
        batches = neighbour_batches(rows, 4, 2, 2, np.random.default_rng(seed))
        assert batches == neighbour_batches(rows, 4, 2, 2, np.random.default_rng(seed))
        for batch in batches:
            assert len(batch) == len(set(batch)) == 6
            assert len({number // 3 for number in batch[:3]}) == 1  # the three near ones
            assert len({number // 3 for number in batch[3:]}) == 1
    [everything] = neighbour_batches(rows, 1, 5, 2, np.random.default_rng(0))
    assert sorted(everything) == list(range(9))


def test_a_teacher_is_the_mean_over_scales_mirrors_and_models(city):
    models = [Model(random_network(descriptor=length), CENTRED) for length in (8, 5)]
    names, scales = ["a0", "a1", "x1"], (0.8, 1.0)

    def described(model, name, size):
        pixels = load_image(city.path(name), Sizing(size, "bilinear"))
        both = [pixels, np.ascontiguousarray(pixels[:, ::-1])]
        return F.normalize(sum(model.network(to_batch([each], CENTRED)) for each in both))[0]

    rows = teacher_descriptors(models, city.pictures(names), city.sizing, scales, True)
    assert rows.shape == (3, 13)
    expected = 0
    with torch.no_grad():
        for model in models:
            sums = [sum(described(model, name, size) for size in (54, 67)) for name in names]
            own = F.normalize(torch.stack(sums))
            expected = expected + own @ own.t() / 2
    np.testing.assert_allclose(rows @ rows.T, expected, atol=1e-5)


def objective_of(kind, city, network, **settings):
    """As the script makes it."""
    return loss(kind, **settings).objective(city, SETTINGS, [Model(network, CENTRED)])


@pytest.mark.parametrize("kind", sorted(set(SMALL) - {"triplet"}))
def test_a_killed_training_goes_on_to_the_same_weights(kind, city, network, tmp_path):
    start = weights_of(network)

    def tune(name, kill=0):
        def before(epoch):
            if epoch == kill:
                raise Killed

        network.load_state_dict(start)
        objective = objective_of(kind, city, network)
        checkpoint = Checkpoint(tmp_path / name, "x")
        return fine_tune(network, SETTINGS, 7, checkpoint, objective=objective, before_epoch=before)

    history = tune("whole.pt")
    expected = weights_of(network)
    assert any(not torch.equal(expected[name], start[name]) for name in start)
    with pytest.raises(Killed):
        tune("killed.pt", kill=2)
    assert tune("killed.pt") == history
    assert_same(expected, weights_of(network))


def test_the_papers_loss_is_the_usual_one(city, network):
    assert SETTINGS.loss == {"type": "triplet"}
    objective = LOSSES.of(SETTINGS.loss).objective(city, SETTINGS, [])
    assert isinstance(objective, TripletObjective)
    assert (objective.size, objective.settings) == (SETTINGS.tuples, SETTINGS)


def test_a_teacher_sees_what_may_be_learnt_from_and_stays_as_it_was(city, network):
    objective = objective_of("distillation", city, network)
    assert isinstance(objective, RelationalObjective)
    split = city.split
    held = {name for mark in split.validation for name in mark.shown}
    assert set(objective.names) == set(city.dataset.images) - held
    few = objective_of("distillation", city, network, photographs=5)
    assert few.names == objective_of("distillation", city, network, photographs=5).names
    assert len(few.names) == len(few.rows) == 5
    before = objective.rows.copy()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1)
    list(zip(range(1), objective.losses(network, np.random.default_rng(0)), strict=False))
    np.testing.assert_array_equal(objective.rows, before)


@pytest.mark.parametrize("kind", sorted(SMALL))
def test_a_loss_says_what_it_shows(kind, city, network):
    objective, steps = objective_of(kind, city, network), []

    def count(module, given, made):
        if made.requires_grad:
            steps.append(len(made))

    network.register_forward_hook(count)
    list(objective.losses(network, np.random.default_rng(0)))
    said = loss(kind).shown(asdict(SETTINGS))
    assert (said.step, said.epoch) == (max(steps), sum(steps))


def test_every_loss_is_tried():
    assert LOSSES.types == sorted(SMALL)


def test_stages_of_efficientnet_lite_can_be_chosen():
    network = RetrievalNetwork(
        Architecture.of(
            {
                "backbone": {"type": "efficientnet-lite0", "width": 0.1},
                "pooling": {"type": "abs-mean"},
                "projection": {"type": "none"},
            }
        )
    )
    trainable_parameters(network, ["backbone.stage7", "pooling", "projection"])
    learning = {name for name, each in network.named_parameters() if each.requires_grad}
    assert learning == {
        f"backbone.stage7.0.{layer}.{kind}"
        for layer in ("expand", "depthwise", "project")
        for kind in ("weight", "bias")
    }


def study(name="config/subset.yaml", **given):
    config = load_config(ROOT / name)
    config["training"]["loss"] = given
    return config


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"missing key in training\.loss: type; add it, one of contrastive, distillation"),
        ({"type": "softmax"}, r"training\.loss\.type: 'softmax' does not fit; write one of contr"),
        ({"type": "triplet", "margin": 1}, r"unknown key in training\.loss: margin; known are"),
        (
            {"type": "contrastive", "margin": 0},
            r"training\.loss\.margin: 0 does not fit; write a number, above 0 and at most 2; 0\.7",
        ),
        (
            {"type": "multi-similarity", "landmarks": 1},
            r"training\.loss\.landmarks: 1 does not fit; write a whole number, 2 or more",
        ),
        (
            {"type": "distillation", "scales": []},
            r"training\.loss\.scales: \[\] does not fit; write a list, each entry a number",
        ),
        (
            {"type": "distillation", "scales": [1, 0]},
            r"training\.loss\.scales\.1: 0 does not fit; write a number, above 0 and at most 4",
        ),
        (
            {"type": "distillation", "models": ["vgg"]},
            r"training\.loss: 'vgg' is no model of the study; write one of vgg16",
        ),
    ],
)
def test_a_config_with_a_wrong_loss_is_refused(given, message):
    with pytest.raises(ConfigError, match=message) as failure:
        check_config(study(**given))
    assert len(str(failure.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"type": "nothing"}, "loss 'nothing' is unknown; choose one of contrastive"),
        ({"type": "triplet", "margin": 1}, "loss triplet: 'margin' is unknown; known are none"),
        ({"type": "distillation", "scales": [0]}, r"loss distillation: scales \(0,\) does not fit"),
        ({"type": "distillation", "scales": []}, r"loss distillation: scales \(\) does not fit"),
        ({"type": "distillation", "scales": 1}, "loss distillation: scales 1 does not fit"),
    ],
)
def test_a_wrong_loss_is_refused_without_a_config(section, message):
    with pytest.raises(ValueError, match=message):
        LOSSES.of(section)


def test_a_loss_is_completed_and_no_study_needs_one():
    config = study(type="distillation", models=["vgg16"])
    check_config(config)
    full = with_defaults(config)
    assert full["training"]["loss"] == {
        "type": "distillation",
        "batches": 12,
        "groups": 5,
        "neighbours": 3,
        "photographs": 1000,
        "scales": [0.7, 1.0, 1.4],
        "mirrored": False,
        "models": ["vgg16"],
    }
    assert LOSSES.of(full["training"]["loss"]).asks == ("vgg16",)
    assert with_defaults(full) == full
    del config["training"]["loss"]
    check_config(config)
    assert with_defaults(config)["training"]["loss"] == {"type": "triplet"}
