"""Recall@N, against scikit-learn's radius neighbours and a plain loop."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from pocketvlad.data.position_error import PositionError
from pocketvlad.scoring import recall as module
from pocketvlad.scoring.ranking import dissimilarities
from pocketvlad.scoring.recall import recall, require_told_apart

VALUES = (1, 2, 5, 10)


def by_loop(queries, database, query_positions, positions, radius, values):
    """Recall of each value in %, positives and places, of vectors compared by distance (l2).

    Whole numbers, so that equal distances are equal.
    """
    neighbours = NearestNeighbors(algorithm="kd_tree").fit(positions)
    right = neighbours.radius_neighbors(query_positions, radius, return_distance=False)
    hits, places = np.zeros(len(values)), []
    for query, wanted in zip(queries, right, strict=True):
        distances = [(sum((query - row) ** 2), number) for number, row in enumerate(database)]
        ranking = [number for _, number in sorted(distances)]
        for i, n in enumerate(values):
            hits[i] += bool(set(ranking[:n]) & set(wanted.tolist()))
        at = [place for place, number in enumerate(ranking, 1) if number in wanted]
        places.append(at[0] if at else 0)
    return 100 * hits / len(queries), [len(each) for each in right], places


@pytest.fixture(params=[1, 2, 3])
def case(request):
    """Places on a grid of UTM coordinates, so that many lie exactly at the radius; descriptors of
    few values, so that many are equally far; some queries far from everything."""
    generator = np.random.default_rng(request.param)
    positions = 5.0 * generator.integers(0, 40, (150, 2)) + [548000, 4180000]
    query_positions = 5.0 * generator.integers(0, 40, (60, 2)) + [548000, 4180000]
    query_positions[::7] += 5000
    return (
        generator.integers(0, 3, (60, 4)).astype(float),
        generator.integers(0, 3, (150, 4)).astype(float),
        query_positions,
        positions,
    )


@pytest.mark.parametrize("pairs", [1, 1000, 1 << 22])  # a query at a time, six, all
def test_it_is_that_of_a_loop_over_radius_neighbours(case, pairs, monkeypatch):
    monkeypatch.setattr(module, "_PAIRS", pairs)
    expected, positives, places = by_loop(*case, 25, VALUES)
    found = recall(*case, radius=25, metric="l2")
    assert found.positives.tolist() == positives
    assert found.first.tolist() == places
    assert [100 * found.at(n) for n in VALUES] == pytest.approx(expected)
    assert found.without_positives == positives.count(0) >= 9
    apart = np.linalg.norm(case[2][:, None] - case[3][None], axis=2)
    assert (apart == 25).any()
    assert 0 < expected[0] < expected[-1] < 100
    line = ", ".join(f"R@{n}: {each:.1f}" for n, each in zip(VALUES, expected, strict=True))
    assert found.line(VALUES) == line


def test_cosines_rank_as_the_distances_of_unit_vectors(case):
    rows = [part + 0.1 for part in case[:2]]
    rows = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in rows]
    generator = np.random.default_rng(4)  # no two alike
    rows = [part + 1e-3 * generator.normal(size=part.shape) for part in rows]
    rows = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in rows]
    cosine = recall(*rows, *case[2:], radius=25)
    assert cosine.first.tolist() == recall(*rows, *case[2:], radius=25, metric="l2").first.tolist()
    assert cosine.first.tolist() == by_loop(*rows, *case[2:], 25, VALUES)[2]


@pytest.mark.parametrize(
    ("x", "right"), [(25.0, True), (np.nextafter(25.0, 26), False), (24.9, True)]
)
def test_the_radius_itself_is_within(x, right):
    here = np.array([[548000.0, 4180000.0]])
    rows = np.float32([[1, 0]])
    found = recall(rows, rows, here - here, np.array([[x, 0]]), radius=25)
    assert found.at(1) == right
    corner = recall(rows, rows, here, here + np.array([15, 20]), radius=25)
    assert corner.at(1) == 1


@pytest.mark.parametrize(("near", "place"), [([0], 1), ([1], 2), ([2], 3), ([1, 2], 2)])
def test_of_equal_answers_the_databases_first_goes_first(near, place):
    positions = np.full((4, 2), 1000.0)
    positions[near] = 0
    rows = np.float32([[0, 1], [0, 1], [0, 1], [1, 0]])
    found = recall(np.float32([[0, 1]]), rows, np.zeros((1, 2)), positions, radius=25)
    assert found.first.tolist() == [place]
    assert found.answer.tolist() == [0]


def test_the_best_answer_and_its_distance_are_told(case):
    found = recall(*case, radius=25, metric="l2")
    for number, (answer, distance) in enumerate(zip(found.answer, found.distance, strict=True)):
        apart = np.square(case[0][number] - case[1]).sum(axis=1)
        assert answer == apart.tolist().index(apart.min())
        assert distance == pytest.approx(np.linalg.norm(case[2][number] - case[3][answer]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: np.ones((0, 4)), 2: np.ones((0, 2))}, "query: 0 descriptors"),
        ({3: np.ones((150, 3))}, r"database: 150 descriptors and positions of shape \(150, 3\)"),
        ({2: np.full((60, 2), np.nan)}, "query: a position is not finite"),
        ({1: np.full((150, 4), np.inf)}, "database descriptor 0 is not finite"),
    ],
)
def test_what_does_not_fit_is_refused(case, change, message):
    parts = [change.get(number, part) for number, part in enumerate(case)]
    with pytest.raises(ValueError, match=message):
        recall(*parts, radius=25, metric="l2")


@pytest.mark.parametrize("count", [5, 70, 301, 1000])
@pytest.mark.parametrize("length", [7, 64, 100])
def test_an_image_that_is_there_twice_is_equally_similar_wherever_it_stands(count, length):
    """Also at the edges of the blocks that a product of matrices is computed in."""
    random = np.random.default_rng(count)
    rows = random.normal(size=(count, length)).astype(np.float32)
    rows[-2:] = rows[count // 3]
    for asked in (1, 2, 5, 17):
        queries = random.normal(size=(asked, length)).astype(np.float32)
        measured = dissimilarities(queries, rows)
        np.testing.assert_array_equal(measured[:, -2:].T, [measured[:, count // 3]] * 2)
        np.testing.assert_allclose(measured, -queries.astype(np.float64) @ rows.T, atol=1e-4)


def test_images_that_are_asked_for_each_other_do_not_find_themselves(case):
    """Against a loop that leaves each query out of the database."""
    _, rows, _, positions = case
    found = recall(rows, rows, positions, positions, radius=25, metric="l2", themselves=True)
    for query in range(0, len(rows), 7):
        others = np.array([number for number in range(len(rows)) if number != query])
        alone = recall(
            rows[[query]],
            rows[others],
            positions[[query]],
            positions[others],
            radius=25,
            metric="l2",
        )
        assert found.first[query] == alone.first[0]
        assert found.positives[query] == alone.positives[0]
        assert found.answer[query] == others[alone.answer[0]]
        assert found.distance[query] == alone.distance[0]


def test_positions_that_tell_nothing_apart_are_refused():
    rows, near = np.eye(3), np.array([[0.0, 0], [3, 4], [60, 80]])
    for themselves, radius, message in (
        (True, 200, "all 3 images lie within 200 m of every query"),
        (True, 4, r"no query has an image within 4 m \(that nearest to the first lies 5 m away\)"),
        (False, 200, "all 3 images"),
    ):
        found = recall(rows, rows, near, near, radius=radius, themselves=themselves)
        with pytest.raises(PositionError, match=message):
            require_told_apart(found, near, near, radius, themselves)
    found = recall(rows, rows, near, near, radius=5, themselves=True)
    require_told_apart(found, near, near, 5, themselves=True)
