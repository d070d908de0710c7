"""The loss against autograd and arithmetic, mining, the split, checkpoints."""

import numpy as np
import pytest
import torch

from pocketvlad.data.landmarks import Landmark, split_landmarks
from pocketvlad.data.query import Query
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
from pocketvlad.training.mining import TrainingTuple, mine_tuples, step_triplets
from pocketvlad.training.triplet import triplet_loss


def test_triplet_loss_by_hand_and_its_gradient():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]], requires_grad=True)
    triplets = torch.tensor([[0, 1, 2], [0, 1, 3]])
    # |q-p|^2 = 2; |q-n|^2 = 0 and 4: h(0.1 + 2 - 0) = 2.1, h(0.1 + 2 - 4) = 0. One is active.
    loss = triplet_loss(rows, triplets, margin=0.1)
    assert loss.item() == pytest.approx(2.1 / 2)
    loss.backward()
    # d/dq of 1/2 (|q-p|^2 - |q-n|^2) = n - p; d/dp = p - q; d/dn = q - n.
    expected = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(rows.grad, expected)
    assert triplet_loss(rows, triplets[1:], margin=0.1).item() == 0


def test_triplet_loss_agrees_with_autograd_checked_differences():
    torch.manual_seed(0)
    rows = torch.randn(6, 5, dtype=torch.double, requires_grad=True)
    triplets = torch.tensor([[0, 1, 2], [0, 1, 3], [4, 5, 0]])
    assert torch.autograd.gradcheck(lambda x: triplet_loss(x, triplets, 3.0), rows)


def test_a_step_uses_the_negatives_of_all_its_tuples():
    a = Landmark("a", ("a0", "a1"), frozenset({"a0", "a1", "junk"}))
    step = [
        TrainingTuple("a0", "a1", ("b0",), a),
        TrainingTuple("a1", "a0", ("junk",), a),  # what is given as negative is taken as one
        TrainingTuple("x", "x", ("b0",)),
    ]
    triplets = step_triplets(step, frozenset({"a0", "a1", "b0"}))
    # Rows: a0 a1 b0 | a1 a0 junk | x x b0.
    assert [t.tolist() for t in triplets] == [
        [0, 1, 2],
        [0, 1, 6],
        [0, 1, 7],
        [0, 1, 8],
        [3, 4, 2],
        [3, 4, 5],
        [3, 4, 6],
        [3, 4, 7],
        [3, 4, 8],
        [6, 7, 0],
        [6, 7, 1],
        [6, 7, 2],
        [6, 7, 3],
        [6, 7, 4],
        [6, 7, 8],
    ]


def _city():
    names = [f"{letter}{number}" for letter in "abcx" for number in range(4)]
    marks = [
        Landmark(
            letter,
            tuple(n for n in names if n[0] == letter),
            frozenset(n for n in names if n[0] == letter),
        )
        for letter in "abc"
    ]
    return names, marks


def test_mining_takes_the_hardest_negatives_and_a_near_positive():
    names, marks = _city()
    angles = np.linspace(0, 3, len(names))  # a0 a1 ... x3 along an arc: neighbours are nearest
    descriptors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    tuples = mine_tuples(
        marks[:1],
        [],
        names,
        descriptors,
        count=20,
        negatives=2,
        negative_candidates=100,
        nearest_positives=1,
        instance_share=0.5,
        generator=np.random.default_rng(0),
    )
    for each in tuples:
        assert each.negatives == ("b0", "b1")  # the nearest that are not a's
        position = names.index(each.anchor)
        assert abs(names.index(each.positive) - position) == 1


def test_mining_without_negatives_or_positives_is_an_error():
    names, marks = _city()
    common = {
        "count": 1,
        "negatives": 1,
        "negative_candidates": 9,
        "nearest_positives": 1,
        "instance_share": 0.0,
        "generator": np.random.default_rng(0),
    }
    with pytest.raises(ValueError, match="no negatives"):
        mine_tuples(marks[:1], [], names[:4], np.eye(4), **common)
    with pytest.raises(ValueError, match="two positives"):
        mine_tuples(marks[:1], [], names[3:6], np.eye(3), **common)


def test_unlabelled_anchors_are_their_own_positives_against_landmarks():
    names, marks = _city()
    background = [name for name in names if name[0] == "x"]
    angles = np.linspace(0, 3, len(names))
    tuples = mine_tuples(
        marks,
        background,
        names,
        np.stack([np.cos(angles), np.sin(angles)], axis=1),
        count=30,
        negatives=2,
        negative_candidates=100,
        nearest_positives=1,
        instance_share=1.0,
        generator=np.random.default_rng(0),
    )
    assert {each.anchor for each in tuples} == set(background)
    for each in tuples:
        assert each.positive == each.anchor
        assert each.negatives == ("c3", "c2")


def test_the_split_shares_no_image_and_is_seeded():
    names, marks = _city()
    # a0 shows b as well: if b is held out, a0 must not be learnt from.
    marks[1] = Landmark("b", (*marks[1].positives, "a0"), marks[1].shown | {"a0"})
    for seed in range(10):
        split = split_landmarks(marks, names, 0.3, seed)
        assert len(split.validation) == 1
        held = frozenset().union(*(m.shown for m in split.validation))
        assert not held & {n for m in split.training for n in m.positives}
        assert set(split.background) == {"x0", "x1", "x2", "x3"}
        assert split == split_landmarks(marks, names, 0.3, seed)
    with pytest.raises(ValueError, match="at least two"):
        split_landmarks(marks[:1], names, 0.3, 0)


@pytest.mark.parametrize(("fraction", "held"), [(0.1, 1), (0.6, 2)])
def test_landmarks_that_share_their_images_leave_nothing_to_learn_from(fraction, held):
    """Junk of one that is held out is closed, too."""
    names = [f"i{k}" for k in range(6)]
    marks = [
        Landmark(mark, (names[2 * k], names[2 * k + 1]), frozenset(names))
        for k, mark in enumerate("abc")
    ]
    with pytest.raises(ValueError, match=r"no landmark is left.*; list images for one") as error:
        split_landmarks(marks, names, fraction, 0)
    message = str(error.value)
    assert ("validation.fraction" in message) == (held > 1)
    assert all(f" {mark}" in message for mark in "abc")
    assert "shared: i" in message


def test_checkpoint_belongs_to_one_computation(tmp_path):
    file = tmp_path / "input"
    file.write_text("a")
    first = fingerprint({"rate": 0.1}, [file])
    checkpoint = Checkpoint(tmp_path / "folder" / "state.pt", first)
    assert checkpoint.load() is None
    checkpoint.save({"weights": torch.ones(2), "history": [{"epoch": 1, "loss": None}]})
    state = checkpoint.load()
    assert state["history"] == [{"epoch": 1, "loss": None}]
    torch.testing.assert_close(state["weights"], torch.ones(2))
    file.write_text("b")
    assert Checkpoint(checkpoint.path, fingerprint({"rate": 0.1}, [file])).load() is None
    assert Checkpoint(checkpoint.path, fingerprint({"rate": 0.2})).load() is None
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:100])
    assert checkpoint.load() is None
    checkpoint.delete()
    assert not checkpoint.path.exists()


def test_positives_are_good_and_ok():
    query = Query("a_1", "a", "i", (0, 0, 1, 1), good=("i",), ok=("k",), junk=("j",))
    assert query.positives == {"i", "k"}
