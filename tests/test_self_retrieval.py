"""Retrieval without labels, and what a search makes of it."""

import numpy as np
import pytest
import torch
from networks import random_network
from PIL import Image

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.crops import random_crops
from pocketvlad.retrieval.picture import Picture
from pocketvlad.retrieval.self_retrieval import (
    held_out,
    self_retrieval,
    self_retrieval_loss,
    self_retrieval_scores,
)

SIZING = Sizing(96, "bilinear")
PREPROCESSING = Preprocessing((0.0,) * 3, (1.0,) * 3)


class MeanColour(torch.nn.Module):
    """Describes a picture by its mean colour, which in these pictures says which one it is."""

    def forward(self, batch):
        return torch.nn.functional.normalize(batch.mean(dim=(2, 3)), dim=1)


@pytest.mark.parametrize("min_side", [1, 35, 60])
def test_crops_are_as_large_as_the_network_needs(min_side):
    small, large = Picture("s.png", (70, 50)), Picture("l.png", (700, 500))
    for crop in random_crops([small], 50, seed=1, min_side=min_side):
        assert min(crop.shape(SIZING)) >= min(min_side, 50)
        assert crop.box[0] >= 0
        assert crop.box[2] <= 70
    # What is large enough anyhow is cut as if nothing were asked for.
    expected = random_crops([large], 50, seed=1, min_side=1)
    assert random_crops([large], 50, seed=1, min_side=min_side) == expected


@pytest.fixture
def pictures(tmp_path):
    """Six pictures of one colour each, the first two alike."""
    colours = [(200, 10, 10), (200, 10, 10), (10, 200, 10), (10, 10, 200), (99, 99, 9), (9, 99, 99)]
    found = []
    for number, colour in enumerate(colours):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (160, 120), colour).save(path)
        found.append(Picture(path, (160, 120)))
    return found


def test_every_fifth_photograph_is_kept():
    names = [f"{number:02d}" for number in range(12)]
    assert held_out(names[::-1]) == ["00", "05", "10"]


def test_parts_find_their_own_photograph(pictures):
    held, others = [pictures[1], pictures[3]], [pictures[i] for i in (0, 2, 4, 5)]
    task = self_retrieval(held, others, 20, 3)
    scores = self_retrieval_scores(MeanColour(), task, SIZING, PREPROCESSING)
    assert len(scores) == len(task.queries) == 24
    for name, score in scores.items():
        # Of two pictures alike the one that is held stands first in the database.
        assert score == 1, name
    # Where its double stands first it is second: precision 0 and then 1 / 2, on average a quarter.
    task = self_retrieval([pictures[3], pictures[1]], others, 20, 3)
    doubles = type(task)((*others, *task.database[:2]), task.queries)
    scores = self_retrieval_scores(MeanColour(), doubles, SIZING, PREPROCESSING)
    found = list(zip(doubles.queries, scores.values(), strict=True))
    assert {score for query, score in found if query.path.name == "1.png"} == {0.25}
    assert {score for query, score in found if query.path.name == "3.png"} == {1.0}


def test_parts_are_large_enough_for_the_network(pictures):
    task = self_retrieval(pictures[:2], pictures[2:], 67, 3)
    for query in task.queries:
        assert min(query.shape(SIZING)) >= 67
        x1, y1, x2, y2 = query.box
        assert 0 <= x1 < x2 <= 160
        assert 0 <= y1 < y2 <= 120
    assert self_retrieval(pictures[:2], pictures[2:], 67, 3) == task
    assert self_retrieval(pictures[:2], pictures[2:], 67, 4) != task
    network = random_network("alexnet", 0.1, 4, 8)
    scores = self_retrieval_scores(network, task, SIZING, PREPROCESSING)
    assert all(0 < score <= 1 for score in scores.values())


def test_nothing_to_ask_for_is_an_error(pictures):
    with pytest.raises(ValueError, match="others, not 0"):
        self_retrieval([], pictures, 67, 1)


def test_many_others_are_thinned(pictures):
    many = [Picture(pictures[2].path.with_name(f"{n}.png"), (160, 120)) for n in range(1200)]
    task = self_retrieval(pictures[:2], many, 67, 1)
    assert len(task.database) == 2 + 400
    np.testing.assert_array_equal([int(each.path.stem) for each in task.database[2:5]], [0, 3, 6])


def test_what_some_queries_gain_is_not_set_against_what_others_lose():
    base = {"a": 0.5, "b": 0.25, "c": 1.0, "d": 0.5}
    # By hand: a loses 25 points and d 50, of four queries; b's gain is left out.
    assert self_retrieval_loss(base, {"a": 0.25, "b": 1.0, "c": 1.0, "d": 0.0}) == 18.75
    assert self_retrieval_loss(base, base) == 0
    with pytest.raises(ValueError, match="not of the same queries"):
        self_retrieval_loss(base, {"a": 0.5})
