"""The length of the descriptor that a base model's own training city chooses, and its record."""

import csv

import numpy as np
import pytest
import torch
from networks import random_network

from pocketvlad.compression.rd.choices import ChoiceError, chosen_length, write_choices
from pocketvlad.compression.rd.length import shortened
from pocketvlad.compression.rd.length_choice import (
    LengthScore,
    cut,
    length_choice,
    length_curve,
    shortest_within,
    tried_lengths,
    write_queries,
)
from pocketvlad.compression.rd.sections import settled
from pocketvlad.compression.rd.training_task import source_beside_task, study_task
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork, kept_length
from pocketvlad.retrieval.self_retrieval import self_retrieval_scores
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import InitialisationSettings

LEARNT = InitialisationSettings(cluster_images=16, locals_per_image=20, projection_samples=24)


def curve(*pairs):
    return [LengthScore(length, 80.0, loss, {}) for length, loss in pairs]


@pytest.mark.parametrize(
    ("drop", "chosen"), [(0, 512), (0.5, 448), (1, 320), (1.5, 320), (2, 256), (99, 128)]
)
def test_the_shortest_length_within_the_drop_is_chosen(drop, chosen):
    # 384 loses more than 320, and does not stand in the way of it.
    made = curve((512, 0.0), (448, 0.4), (384, 1.2), (320, 1.0), (256, 1.8), (128, 5.0))
    assert shortest_within(made, drop) == chosen


def test_all_components_are_kept_where_every_other_length_loses_more():
    assert shortest_within(curve((16, 0.0), (12, 1.01), (8, 3.0)), 1) == 16


def test_lengths_that_are_tried():
    assert tried_lengths(256, None) == [256, 224, 192, 160, 128, 96, 64, 32]
    assert tried_lengths(8, None) == [8, 7, 6, 5, 4, 3, 2]
    assert tried_lengths(512, [100, 512, 300]) == [512, 300, 100]


def test_a_cut_descriptor_has_unit_length_again():
    rows = np.array([[0.6, 0.0, 0.8], [0.48, 0.6, 0.64], [0.0, 0.0, 1.0]])
    expected = [[1, 0], [0.48 / np.hypot(0.48, 0.6), 0.6 / np.hypot(0.48, 0.6)], [0, 0]]
    np.testing.assert_allclose(cut(rows, 2), expected, rtol=1e-12)


@pytest.fixture
def base(city):
    network = random_network("alexnet", 0.1, 4, 16)
    for fit in (fit_pooling, fit_projection):  # else all images are alike to it
        pictures = city.pictures(city.dataset.images)
        fit(network, pictures, city.sizing, city.preprocessing, LEARNT, 3)
    return Model(network, city.preprocessing)


@pytest.fixture
def task(city):
    return study_task(city, 67, 1)


def test_the_curve_is_that_of_shortened_networks(base, task, city, tmp_path):
    made = length_curve(base, task, city.sizing, [2, 5])
    assert [each.length for each in made] == [16, 5, 2]
    expected = [
        self_retrieval_scores(
            shortened(base.network, each.length), task, city.sizing, base.preprocessing
        )
        for each in made
    ]
    for each, scores in zip(made, expected, strict=True):
        assert each.scores == pytest.approx(scores)
        assert each.map == pytest.approx(100 * np.mean(list(scores.values())))
        lost = [max(0, expected[0][query] - scores[query]) for query in scores]
        assert each.loss == pytest.approx(100 * np.mean(lost))
    assert made[0].loss == 0
    assert made[-1].loss > 0  # two components cannot do what sixteen do
    record = length_choice(made, 5, 1.0, "city", task)
    assert record["queries"] == len(task.queries)
    assert record["photographs"] == 16
    assert record["photographs_asked_for"] == 4  # every fifth
    assert "lose 1 points" in record["rule"]
    write_queries(tmp_path / "settings.csv", made, task)
    with open(tmp_path / "settings.csv", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for line, query, score in zip(lines, task.queries, made[1].scores.values(), strict=True):
        assert line["photograph"] == query.path.stem
        assert float(line["x2"]) == pytest.approx(query.box[2], abs=0.051)
        assert float(line["average_precision_5"]) == pytest.approx(score, abs=1e-8)


def test_what_is_asked_for_is_not_rounded_on(task, city):
    asked = {query.path for query in task.queries}
    rounded = set(source_beside_task(city).paths.values())
    assert not asked & rounded
    assert len(asked | rounded) == len(city.dataset.images) == 16


def test_components_without_order_are_not_cut(task, city):
    parts = {"backbone": {"type": "alexnet", "width": 0.25}, "pooling": {"type": "mean"}}
    network = RetrievalNetwork(Architecture.of(parts | {"projection": {"type": "none"}}))
    with pytest.raises(ValueError, match="does not order its components: keep all of them"):
        length_curve(Model(network, city.preprocessing), task, city.sizing, None)
    assert kept_length(network) == network.architecture.length


def test_a_choice_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "settings.json"
    write_choices(file, {"chosen": 384, "rule": "the shortest"})
    assert chosen_length(file) == 384
    assert settled({"length": "choose", "crops": 4}, file) == {"length": 384, "crops": 4}
    given = {"length": 448, "crops": 4}
    assert settled(given, []) == given  # what Snakemake has for no input
    assert settled({"crops": 4}, []) == {"crops": 4}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rd.length": {"chosen": "384"}}'])
def test_a_file_without_a_choice_is_named(tmp_path, text):
    file = tmp_path / "settings.json"
    file.write_text(text)
    with pytest.raises(ChoiceError, match=r"settings\.json.*delete it and run again"):
        settled({"length": "choose"}, file)


def test_the_components_that_a_network_keeps():
    network = random_network()
    assert kept_length(network) == 8
    short = shortened(network, 5)
    assert kept_length(short) == 5
    with torch.no_grad():  # rounding may leave a row nothing but its bias
        short.projection.weight[4] = 0
        short.projection.bias[4] = 0.5
    assert kept_length(short) == 5
    with torch.no_grad():
        short.projection.bias[4] = 0
    assert kept_length(short) == 4
