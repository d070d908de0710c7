"""Every labelled photograph a query: by hand, by a second implementation, on the real lists."""

import tarfile
from dataclasses import replace

import numpy as np
import pytest
import yaml
from test_average_precision import official_program
from workflow_runs import OFFICIAL, ROOT

from pocketvlad.data.dataset import Dataset, index_dataset, require_boxes_inside
from pocketvlad.data.dense import dense_queries
from pocketvlad.data.ground_truth import QueryLists
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.query import Query
from pocketvlad.retrieval.evaluation import query_pictures
from pocketvlad.retrieval.picture import Picture
from pocketvlad.scoring.dense_scores import dense_scores

BOX = (0.0, 0.0, 1.0, 1.0)


def query(name, good="", ok="", junk="", landmark=None):
    return Query(name, landmark or name[0], good[:1], BOX, tuple(good), tuple(ok), tuple(junk))


def dataset_of(queries, images, protocol="original"):
    sizes = dict.fromkeys(sorted(images), (10, 8))
    return Dataset("d", protocol, sizes, {}, tuple(queries), len(sizes), len(queries))


def parts(queries):
    return {
        each.name: ("".join(each.good), "".join(each.ok), "".join(each.junk)) for each in queries
    }


def test_lists_of_all_queries_of_a_landmark_are_taken_together():
    # b is good to one query and ok to the other; d is junk to one and ok to the other.
    found = dense_queries([query("t_1", "a", "b", "dj"), query("t_2", "ab", "cd", "k")])
    assert parts(found) == {
        "t/a": ("b", "cd", "ajk"),
        "t/b": ("a", "cd", "bjk"),
        "t/c": ("ab", "d", "cjk"),
        "t/d": ("ab", "c", "djk"),
    }
    assert {each.image for each in found} == set("abcd")
    assert all(each.box is None and each.landmark == "t" for each in found)


def test_an_image_of_two_landmarks_is_a_query_of_each_and_finds_neither_wrong():
    found = parts(dense_queries([query("s_1", "abm", junk="j"), query("t_1", "mx", "y", "k")]))
    assert found["s/m"] == ("ab", "", "jkmxy")
    assert found["t/m"] == ("x", "y", "abjkm")
    assert found["s/a"] == ("bm", "", "aj")  # t's images are wrong: a does not show t
    assert len(found) == 6


def test_an_image_of_two_landmarks_may_be_ones_junk_and_the_others_positive():
    found = parts(dense_queries([query("s_1", "am", junk="x"), query("t_1", "mx")]))
    assert found["s/m"] == ("a", "", "mx")
    assert found["t/m"] == ("x", "", "am")


def test_what_has_nothing_else_to_be_found_is_no_query():
    assert dense_queries([query("t_1", "a", junk="bc")]) == ()
    with pytest.raises(ValueError, match="data set d: no landmark has two images"):
        dense_scores(dataset_of([query("t_1", "a", junk="b")], "ab"), np.eye(2))


def on_a_line(angles):
    """Unit vectors whose likeness falls with the distance of their angles."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_scores_by_hand():
    # In the order of angles: a, x, b, j, c. j is junk, x is wrong.
    dataset = dataset_of([query("t_1", "ab", "c", "j")], "abcjx")
    rows = on_a_line(np.array([0.0, 0.25, 0.6, 0.45, 0.1]))  # a b c j x
    found = dense_scores(dataset, rows).average_precision
    # a: x b (j) c.  x is rank 1.
    a = 0.5 * (0 + 1 / 2) / 2 + 0.5 * (1 / 2 + 2 / 3) / 2
    # b: x (j) a c, at 0.15, 0.2, 0.25, 0.35.
    # c: (j) b x a, at 0.15, 0.35, 0.5, 0.6.
    c = 0.5 * (1 + 1) / 2 + 0.5 * (1 / 2 + 2 / 3) / 2
    assert found == {"t/a": pytest.approx(a), "t/b": pytest.approx(a), "t/c": pytest.approx(c)}


def slow_scores(dataset, rows):
    """A second implementation: whole rankings, taken apart image by image."""
    images, found = dataset.images, {}
    good, junk = {}, {}
    for each in dataset.queries:
        good.setdefault(each.landmark, set()).update(each.good + each.ok)
        junk.setdefault(each.landmark, set()).update(each.junk)
    for landmark, shown in good.items():
        for image in shown:
            order = sorted(
                range(len(images)), key=lambda k: (-(rows[k] @ rows[images.index(image)]), k)
            )
            kept = []
            for k in order:
                others = [m for m in good if image in good[m] and images[k] in good[m] | junk[m]]
                if images[k] != image and (images[k] in shown or not others):
                    kept.append(images[k])
            if len(shown) > 1:
                found[f"{landmark}/{image}"] = official_program(kept, shown - {image}, set())
    return found


def test_random_data_sets_score_as_by_the_second_implementation():
    generator = np.random.default_rng(0)
    images = [f"i{number:02}" for number in range(40)]
    for _ in range(20):
        queries = []
        for name in ("s_1", "s_2", "t_1", "u_1", "u_2", "u_3"):
            labels = generator.choice(["good", "ok", "junk", ""], size=40, p=[0.1, 0.1, 0.1, 0.7])
            lists = {
                kind: tuple(np.array(images)[labels == kind].tolist())
                for kind in ("good", "ok", "junk")
            }
            queries.append(Query(name, name[0], images[0], BOX, **lists))
        dataset = dataset_of(queries, images)
        rows = generator.normal(size=(40, 5))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        found = dense_scores(dataset, rows)
        assert found.average_precision == pytest.approx(slow_scores(dataset, rows))
        assert set(found.precision) == {1, 5, 10}


def test_the_number_of_descriptors_must_be_that_of_the_images():
    dataset = dataset_of([query("t_1", "ab")], "abc")
    with pytest.raises(ValueError, match="3 images need as many descriptors, not 2"):
        dense_scores(dataset, np.eye(2))


def test_a_query_without_a_box_is_its_whole_image(tmp_path):
    dataset = dataset_of([query("t_1", "ab")], "ab")
    dense = replace(dataset, queries=dense_queries(dataset.queries))
    require_boxes_inside(dense)
    whole = [Picture(tmp_path / f"{name}.jpg", (10, 8)) for name in "ab"]
    assert query_pictures(dense, tmp_path, crop=True, box_growth=4) == whole


def test_revisited_easy_and_hard_images_are_queries():
    lists = QueryLists("q_1", "q", "q", BOX, ("e", "f"), ("h",), ("j",))
    dataset = index_dataset("r", dict.fromkeys("efhjqx", (10, 8)), [lists], protocol="revisited")
    found = parts(dense_queries(dataset.queries))
    assert found == {"q/e": ("f", "h", "ej"), "q/f": ("e", "h", "fj"), "q/h": ("ef", "", "hj")}
    rows = on_a_line(np.array([0.0, 0.2, 0.9, 0.3, 0.5]))  # e f h j x
    precision = dense_scores(dataset, rows).average_precision
    assert precision["q/e"] == pytest.approx(0.5 + 0.5 * (1 / 2 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("city", "official", "dense", "landmarks"), [("oxford", 33, 159, 11), ("paris", 6, 153, 4)]
)
def test_the_real_subset_has_so_many(real_data, city, official, dense, landmarks):
    declared = yaml.safe_load((ROOT / OFFICIAL / "datasets.yaml").read_text())["datasets"]
    spec = declared[f"{city}-subset"]
    lists = read_any_ground_truth(
        real_data / f"{city}_gt.tgz", "original", spec.get("query_prefix", "")
    )
    with tarfile.open(real_data / f"{city}_images.tar") as tar:
        names = [each.name.split("/")[-1].removesuffix(".jpg") for each in tar if each.isfile()]
    dataset = index_dataset(
        city,
        dict.fromkeys(names, (640, 480)),
        lists,
        leave_out=spec.get("leave_out", ()),
        partial=True,
    )
    assert len(dataset.queries) == official
    found = dense_queries(dataset.queries)
    assert len(found) == dense
    assert len({each.name for each in found}) == dense
    assert len({each.landmark for each in found}) == landmarks
