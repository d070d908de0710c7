"""What a batch of labelled photographs holds, and what is known of its pairs."""

from collections import Counter

import numpy as np
import pytest

from pocketvlad.data.landmarks import Landmark, Split
from pocketvlad.training.landmark_batches import View, landmark_batches, relations


def landmark(letter, count, junk=(), queries=()):
    positives = tuple(f"{letter}{number}" for number in range(count))
    shown = frozenset({*positives, *junk, *(image for image, _ in queries)})
    return Landmark(letter, positives, shown, queries)


BOX = (1, 2, 30, 40)
TRAINING = (
    landmark("a", 6, queries=(("a0", BOX), ("a9", BOX))),
    landmark("b", 2),
    landmark("c", 9, junk=("d1",)),
    landmark("d", 4),
    landmark("e", 5),
)
HELD = landmark("v", 5)
BACKGROUND = tuple(f"x{number}" for number in range(7))
SPLIT = Split(TRAINING, (HELD,), BACKGROUND)
GIVEN = {"batches": 30, "landmarks": 3, "views": 4, "instances": 2}


def drawn(seed, split=SPLIT, **given):
    return landmark_batches(split, **{**GIVEN, **given}, generator=np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(3))
def test_every_batch_keeps_the_promise(seed):
    batches = drawn(seed)
    assert batches == drawn(seed)
    assert batches != drawn(seed + 1)
    assert len(batches) == 30
    for batch in batches:
        marks = Counter(view.landmark.name for view in batch if view.landmark)
        assert len(marks) == 3
        sizes = {"a": 4, "b": 2, "c": 4, "d": 4, "e": 4}
        assert all(count == sizes[name] for name, count in marks.items())
        for mark in TRAINING:
            names = [view.name for view in batch if view.landmark is mark]
            assert len(names) == len(set(names))
            assert set(names) <= mark.shown
        others = [view.name for view in batch if view.landmark is None]
        assert sorted(Counter(others).values()) == [2, 2]
        assert set(others) <= set(BACKGROUND)
        assert not HELD.shown & {view.name for view in batch}


def test_landmarks_and_other_photographs_take_turns():
    marks, others = Counter(), Counter()
    for batch in drawn(0):
        marks.update({view.landmark.name for view in batch if view.landmark})
        others.update({view.name for view in batch if view.landmark is None})
        assert max(marks.values()) - min(marks[mark.name] for mark in TRAINING) <= 1
        assert max(others.values()) - min(others[name] for name in BACKGROUND) <= 1


def test_half_of_the_time_a_query_is_cropped_to_its_box():
    batches = drawn(0, batches=400, landmarks=5)
    boxed = [sum(view.box is not None for view in batch) for batch in batches]
    assert set(boxed) == {0, 1}
    assert 160 < sum(boxed) < 240
    images = {view.name for batch in batches for view in batch if view.box}
    assert images == {"a0", "a9"}


def test_where_there_are_fewer_all_are_taken():
    split = Split(TRAINING[1:3], (HELD,), ("x0",))
    for batch in drawn(0, split, landmarks=9, views=20, instances=5):
        assert Counter(view.name[0] for view in batch) == {"b": 2, "c": 9, "x": 2}
    for batch in drawn(0, Split(TRAINING, (HELD,), ())):
        assert all(view.landmark for view in batch)
    with pytest.raises(ValueError, match=r"1 landmark to learn from.*lower validation\.fraction"):
        drawn(0, Split(TRAINING[:1], (HELD,), BACKGROUND))


def test_what_is_known_of_pairs():
    a, _, c, d, _ = TRAINING
    batch = [View("a0", a), View("a1", a), View("c0", c), View("d0", d), View("d1", d)]
    batch += [View("x0"), View("x0"), View("x1")]
    same, different = relations(batch)
    expected = {(0, 1), (3, 4), (5, 6)}
    unknown = {(2, 4)} | {(i, 7) for i in (5, 6)}  # d1 is junk of c; x0 and x1 are not labelled
    for i in range(8):
        for j in range(8):
            pair = (min(i, j), max(i, j))
            assert same[i, j] == (pair in expected)
            assert different[i, j] == (i != j and pair not in expected | unknown)
