"""Queries of one landmark are found by what they share: by hand, and on the official lists."""

from dataclasses import replace

import pytest

from pocketvlad.data.ground_truth import QueryLists
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.query_groups import with_landmarks


def query(image, good, ok=(), name=None):
    return QueryLists(name or image, "", image, (0, 0, 9, 9), tuple(good), tuple(ok), ())


def landmarks(*queries):
    return {each.name: each.landmark for each in with_landmarks(queries)}


def test_names_of_images_do_not_decide():
    tower = ["tower_5", "tower_6", "x_1"]
    found = landmarks(
        query("tower_1", tower),
        query("oxford_7", tower),
        query("tower_2", tower[:2]),
        query("oxford_8", ["oxford_1", "g_2"], ["x_1"]),
    )
    assert found == {
        "tower_1": "tower",
        "oxford_7": "tower",
        "tower_2": "tower",
        "oxford_8": "oxford",
    }


def test_landmarks_of_one_stem_are_called_by_a_query_of_theirs():
    found = landmarks(
        query("IMG_3", ["IMG_4", "IMG_5"]),
        query("IMG_1", ["IMG_5", "IMG_4"]),
        query("IMG_2", ["IMG_6", "IMG_7"]),
    )
    assert found == {"IMG_1": "IMG_1", "IMG_2": "IMG_2", "IMG_3": "IMG_1"}


def test_no_landmark_has_the_name_of_another_ones_query():
    found = landmarks(
        query("IMG_1234", ["IMG_1240"]),
        query("IMG_2000", ["IMG_2001"]),
        query("IMG_1234_1", ["IMG_1234_2"]),
    )
    assert found == {name: name for name in ("IMG_1234", "IMG_2000", "IMG_1234_1")}


def test_a_chain_is_one_landmark_and_one_common_image_is_none():
    chain = [query(f"q_{k}", [f"q_{k + 10}", f"q_{k + 11}", f"q_{k + 12}"]) for k in range(4)]
    assert set(landmarks(*chain).values()) == {"q"}
    apart = [query("q", ["a", "b", "x"]), query("r", ["c", "d", "x"])]
    assert len(set(landmarks(*apart).values())) == 2


def test_queries_that_name_each_other_are_alike():
    assert set(landmarks(query("a_1", ["a_2"]), query("a_2", ["a_1"])).values()) == {"a"}


@pytest.mark.parametrize(("city", "prefix"), [("oxford", "oxc1_"), ("paris", "")])
def test_the_official_landmarks_are_found_again(real_data, city, prefix):
    official = read_any_ground_truth(real_data / f"{city}_gt.tgz", "original", prefix)
    blank = [replace(each, landmark="") for each in official]
    named = {each.name: each.landmark.removeprefix("paris_") for each in with_landmarks(blank)}
    assert named == {each.name: each.landmark for each in official}
    # As in Revisited Oxford and Paris: the queries' images are in nobody's list.
    own = {each.image for each in official}
    without = [
        replace(each, good=tuple(set(each.good) - own), ok=tuple(set(each.ok) - own))
        for each in blank
    ]
    assert {q.name: q.landmark.removeprefix("paris_") for q in with_landmarks(without)} == named
