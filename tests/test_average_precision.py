"""The official arithmetic: cases worked by hand, and a second implementation on random lists."""

import random

import numpy as np
import pytest

from pocketvlad.data.query import Query
from pocketvlad.scoring.average_precision import average_precision, precision_at
from pocketvlad.scoring.ranking import dissimilarities, rank, rankings
from pocketvlad.scoring.scores import mean, score_rankings


def official_program(ranked, ok_set, junk_set):
    """The official program's loop, statement by statement. Junk is looked up first."""
    old_recall, old_precision, ap = 0.0, 1.0, 0.0
    intersect_size = j = 0
    for item in ranked:
        if item in junk_set:
            continue
        if item in ok_set:
            intersect_size += 1
        recall = intersect_size / float(len(ok_set))
        precision = intersect_size / (j + 1.0)
        ap += (recall - old_recall) * ((old_precision + precision) / 2.0)
        old_recall, old_precision = recall, precision
        j += 1
    return ap


@pytest.mark.parametrize(
    ("ranking", "positives", "junk", "expected"),
    [
        ("ab", "ab", "", 1.0),
        # Ranks: x (precision 0), a (recall 1, precision 1/2): 1 * (0 + 1/2) / 2.
        ("xa", "a", "", 0.25),
        # a: 1/2 * (1 + 1) / 2; x: nothing; b: 1/2 * (1/2 + 2/3) / 2.
        ("axb", "ab", "", 0.5 + 0.5 * (1 / 2 + 2 / 3) / 2),
        # Junk moves nothing: as if it were not there.
        ("jajb", "ab", "j", 1.0),
        # b is never found: half the recall.
        ("a", "ab", "", 0.5),
        ("xyz", "a", "", 0.0),
    ],
)
def test_worked_by_hand(ranking, positives, junk, expected):
    assert average_precision(ranking, set(positives), set(junk)) == pytest.approx(expected)


def test_a_name_in_both_lists_is_positive_unlike_in_the_official_program():
    assert average_precision("ab", {"a", "b"}, {"a"}) == 1.0
    assert official_program("ab", {"a", "b"}, {"a"}) == 0.5


def test_no_positives_is_an_error():
    with pytest.raises(ValueError, match="at least one positive"):
        average_precision("ab", set())


def test_agrees_with_the_official_loop_on_random_rankings():
    generator = random.Random(0)
    for _ in range(300):
        names = [str(i) for i in range(generator.randint(3, 60))]
        generator.shuffle(names)
        cut = generator.randint(1, len(names))
        positives = set(generator.sample(names, generator.randint(1, cut)))
        junk = set(generator.sample(names, generator.randint(0, len(names) // 2))) - positives
        assert average_precision(names, positives, junk) == pytest.approx(
            official_program(names, positives, junk), abs=1e-12
        )


def test_ties_keep_the_order_of_the_database():
    query = np.array([1.0, 0.0])
    database = np.array([[0.5, 0.0], [1.0, 0.0], [0.5, 0.9], [1.0, 0.3]])
    (row,) = dissimilarities(query[np.newaxis], database)
    assert rank(row).tolist() == [1, 3, 0, 2]


def test_the_query_image_in_the_database_is_a_positive_of_its_own():
    queries = [Query("q_1", "q", "a", (0, 0, 1, 1), good=("a",), ok=("b",), junk=("c",))]
    descriptors = np.eye(4)[[0, 1, 2, 3]]
    mixed = (descriptors[0] * 3 + descriptors[2] * 2 + descriptors[1])[np.newaxis]
    ranked = list(rankings(mixed, ["a", "b", "c", "d"], descriptors))
    assert ranked == [["a", "c", "b", "d"]]
    scores = score_rankings(queries, ranked)["all"]
    assert scores.average_precision == {"q_1": pytest.approx(1.0)}  # c is junk
    assert mean({"x": 0.5, "y": 1.0}) == 0.75


def test_descriptors_that_are_not_finite_are_refused():
    bad = np.array([[1.0, 0.0], [np.nan, 0.0]])
    with pytest.raises(ValueError, match="database descriptor 1 is not finite"):
        list(rankings(np.ones((1, 2)), ["a", "b"], bad))
    with pytest.raises(ValueError, match="query descriptor 1 is not finite"):
        list(rankings(bad, ["a", "b"], np.ones((2, 2))))
    with pytest.raises(ValueError, match="3 images need as many descriptors"):
        list(rankings(np.ones((2, 2)), ["a", "b", "c"], np.ones((2, 2))))


def test_distances_are_those_of_their_definitions():
    generator = np.random.default_rng(0)
    queries, database = generator.normal(size=(3, 7)), generator.normal(size=(600, 7))
    gaps = queries[:, np.newaxis] - database
    np.testing.assert_allclose(dissimilarities(queries, database, "l1"), np.abs(gaps).sum(axis=2))
    np.testing.assert_allclose(
        dissimilarities(queries, database, "l2"), np.sqrt(np.square(gaps).sum(axis=2))
    )
    np.testing.assert_allclose(dissimilarities(queries, database), -queries @ database.T)


@pytest.mark.parametrize(
    ("rank", "ranking", "expected"),
    [
        (1, "axb", 1.0),
        (1, "xab", 0.0),
        (2, "axb", 1 / 2),
        (3, "axbx", 2 / 3),
        # Both are found by place 3: what stands behind does not count against them.
        (10, "axbxxx", 2 / 3),
        (2, "jaxb", 1 / 2),  # junk takes no place
        (5, "xyz", 0.0),
    ],
)
def test_precision_at_a_rank_by_hand(rank, ranking, expected):
    assert precision_at(rank, ranking, {"a", "b"}, {"j"}) == pytest.approx(expected)
