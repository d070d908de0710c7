"""The answer follows from the table, also where no cell qualifies."""

import pandas as pd
from docutils.core import publish_string

from pocketvlad.report.answer import (
    answer_sentences,
    answer_table,
    answer_text,
    basis_sentences,
)
from pocketvlad.report.best_cells import mark_best

BASE = {
    "model": "vgg16",
    "version": "base",
    "file_mb": 4.01,
    "ratio": 0.998,
    "parameters": 1_000_000,
    "map_oxford": 50.0,
    "map_paris": 60.0,
    "seeds": "7",
    **{f"{queries}drop_mean_spread": float("nan") for queries in ("", "dense_")},
    "no_drop": True,
    "official_no_drop": True,
    **{f"drop_mean{each}": 0.0 for each in ("", "_landmarks_low", "_landmarks_high")},
    **{f"dense_drop_mean{each}": 0.0 for each in ("", "_low", "_high")},
    **{"queries_oxford": 33, "landmarks_oxford": 9, "queries_paris": 6, "landmarks_paris": 4},
    **{"dense_queries_oxford": 159, "dense_landmarks_oxford": 11},
    **{"dense_queries_paris": 195, "dense_landmarks_paris": 10},
}


def cell(file_mb, drop, no_drop, version="0.005/l1-0/kmeans-8-fixed"):
    """`drop` is that of the dense queries; the official ones lose three points more."""
    scores = {"drop_mean": drop + 3, "dense_drop_mean": drop}
    for column, mean in (("drop_mean_landmarks", drop + 3), ("dense_drop_mean", drop)):
        scores |= {f"{column}_low": mean - 1, f"{column}_high": mean + 1}
    size = {"file_mb": file_mb, "ratio": 4 / file_mb}
    return {**BASE, **scores, **size, "no_drop": no_drop, "version": version}


def marked(*rows):
    return mark_best(pd.DataFrame(rows))


def test_the_smallest_files_are_named():
    table = marked(
        BASE,
        cell(0.8, 0.1, True),
        cell(0.5, 0.4, True, "0.005/l1-0/kmeans-5-fixed"),
        cell(0.4, 1.9, False, "rd/0.4"),
        cell(0.2, 2.1, False, "0.01/l1-0/kmeans-8-fixed"),
    )
    no_drop, two_points = answer_sentences(table)
    assert no_drop == (
        "With no drop in mAP, the smallest file of vgg16 is 8.0 times smaller than its float32 "
        "weights (0.50 MB in place of 4.00: 5 bits, kmeans, threshold 0.005): mean drop 0.4, no "
        "drop larger than 1.4 points."
    )
    assert "10.0 times smaller" in two_points
    assert (
        "in place of 4.00: rd, distortion 0.4): mean drop 1.9, no drop larger than 2.9 points."
        in two_points
    )


def test_no_cell_qualifies():
    other = {"model": "alexnet"}
    table = marked(
        BASE,
        cell(0.8, 2.5, False),
        cell(0.5, 7.0, False),
        BASE | other,
        cell(0.5, 0.0, True) | other,
    )
    for sentence in answer_sentences(table):
        assert "no compressed file of vgg16 qualifies (2 tried; the smallest mean drop is 2.5" in (
            sentence
        )
        assert "the smallest file of alexnet is 8.0 times smaller" in sentence
    short = answer_table(table, ["oxford", "paris"])
    assert list(short["model"]) == ["vgg16", "alexnet", "alexnet", "alexnet"]


def test_cells_of_fewer_trainings_are_no_candidates():
    """Neither for the smallest file nor for what the smallest drop of all is."""
    seeds = {"seeds": "1 2 3"}
    table = marked(
        BASE | seeds, cell(0.8, 2.9, False) | seeds, cell(0.5, 0.7, True) | {"seeds": "1"}
    )
    for sentence in answer_sentences(table):
        assert (
            "no compressed file of vgg16 of the most trainings qualifies (1 tried; the smallest "
            "mean drop is 2.9" in sentence
        )


def test_the_text_is_read_by_docutils():
    text = answer_text(marked(BASE, cell(0.5, 0.4, True)), ["oxford", "paris"])
    # Warnings become errors.
    page = publish_string(text, writer="html", settings_overrides={"halt_level": 2}).decode()
    assert "<table" in page
    assert "0.4 [-0.6, 1.4]" in page
    assert "3.4 [2.4, 4.4]" in page


def test_the_drops_on_test_sets_come_last():
    """By the dense queries where there are any, by Recall@N where positions alone are known."""
    scores = {"drop_home": 2.0, "drop_home_landmarks_low": 1.0, "drop_home_landmarks_high": 3.0}
    scores |= {"dense_drop_home": 4.0, "dense_drop_home_low": 3.5, "dense_drop_home_high": 5.5}
    scores |= {"drop_home_spread": float("nan"), "dense_drop_home_spread": float("nan")}
    for name, mean in (("recall_at_5_lane", 80.0), ("recall_drop_at_5_lane", 6.0)):
        scores |= {name: mean, f"{name}_low": mean - 1, f"{name}_high": mean + 2}
    table = marked(BASE | scores, cell(0.5, 0.4, True) | scores)
    cities, names = ["oxford", "paris"], ["home", "lane"]
    short = answer_table(table, cities, names)
    assert list(short)[-3:] == ["dense drop", "dense drop home", "drop of R@5 lane"]
    assert list(short["dense drop home"]) == ["", "4.0 [3.5, 5.5]", "4.0 [3.5, 5.5]"]
    assert list(short["drop of R@5 lane"]) == ["", "6.0 [5.0, 8.0]", "6.0 [5.0, 8.0]"]
    assert "Drops on test sets (home, lane) are those of models of both cities" in answer_text(
        table, cities, names
    )
    assert "test set" not in answer_text(table, cities)


def test_the_answer_says_what_it_rests_on():
    sentences = basis_sentences(marked(BASE, cell(0.5, 0.4, True)), ["oxford", "paris"])
    assert sentences == [
        "These drops rest on queries, 159 of oxford (11 landmarks) and 195 of paris (10 "
        "landmarks): every labelled photograph asks for the others of its landmark.",
        "They rest, for each model and city, on one training with seed 7.",
    ]
    assert "and not for other trainings" in answer_text(
        marked(BASE, cell(0.5, 0.4, True)), ["oxford", "paris"]
    )


THREE = {"seeds": "7 8 9", "drop_mean_spread": 0.25, "dense_drop_mean_spread": 0.75}


def test_of_as_many_trainings_of_all_the_answer_says_how_many():
    table = marked(BASE | THREE, cell(0.5, 0.4, True) | THREE)
    assert basis_sentences(table, ["oxford", "paris"])[1] == (
        "They rest, for each model and city, on 3 trainings with seeds 7, 8, 9."
    )
    text = answer_text(table, ["oxford", "paris"])
    assert "0.4 ± 0.8 [-0.6, 1.4]" in text
    assert "3.4 ± 0.2 [2.4, 4.4]" in text
    assert "for other trainings" in text
    assert "one training" not in text
    assert "most trainings" not in text
    assert list(answer_table(table, ["oxford", "paris"])["seeds"]) == ["7 8 9"] * 3


def test_of_unlike_numbers_of_trainings_each_cell_says_its_own():
    table = marked(
        BASE | THREE,
        cell(0.5, 0.4, True) | THREE,
        cell(0.4, 1.9, False, "rd/0.4"),
        cell(0.3, 5.0, False, "0.01/l1-0/kmeans-8-fixed"),
    )
    no_drop, two_points = answer_sentences(table)
    assert no_drop.endswith("larger than 1.4 points (of 3 trainings with seeds 7, 8, 9).")
    # The smaller file within two points rests on one training alone.
    assert two_points.endswith("larger than 1.4 points (of 3 trainings with seeds 7, 8, 9).")
    assert basis_sentences(table, ["oxford", "paris"])[1] == (
        "They rest, for each model and city, on 3 trainings with seeds 7, 8, 9 (1 base model and 1 "
        "cell), or on one training with seed 7 (2 cells)."
    )
    text = answer_text(table, ["oxford", "paris"])
    assert "below the base models of the same seeds" in text
    assert "among the cells of the most trainings" in text
    assert list(answer_table(table, ["oxford", "paris"])["seeds"]) == ["7 8 9", "7 8 9", "7 8 9"]


def test_without_dense_queries_the_official_ones_answer():
    table = marked(BASE, cell(0.5, -2.9, True))
    table = table[[name for name in table if not name.startswith("dense")]]
    assert "no drop larger than 1.1 points" in answer_sentences(table)[0]
    assert (
        "33 of oxford (9 landmarks) and 6 of paris (4 landmarks): the official ones"
        in (basis_sentences(table, ["oxford", "paris"])[0])
    )
    assert "dense drop" not in answer_table(table, ["oxford", "paris"])


def test_of_one_landmark_no_drop_is_excluded():
    ends = {"dense_drop_mean_low": float("-inf"), "dense_drop_mean_high": float("inf")}
    table = marked(BASE, cell(0.5, 0.4, True) | ends)
    assert "queries of one landmark exclude none" in answer_sentences(table)[0]
    assert "0.4 [-inf, inf]" in answer_text(table, ["oxford", "paris"])
