"""Which cells stand out: against a table written by hand, and the front against its definition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_tables import study_table

from pocketvlad.report.best_cells import chosen_cells, mark_best
from pocketvlad.report.pareto_front import pareto_front


def marked(column):
    table = study_table()
    lines = table[table[column]]
    return [(line["model"], line["file_mb"]) for _, line in lines.iterrows()]


def test_the_best_cells_of_each_model():
    # At no drop 13.02 MB; within two points there is a smaller one, whose mean drop is 2.0.
    assert marked("best_no_drop") == [("vgg16", 13.02)]
    # 7.05 MB has lost 3.9 points, and 0.2 MB 21.
    assert marked("best_2_points") == [("vgg16", 8.39), ("tiny_net", 0.4)]


def test_a_base_model_is_no_cell():
    table = study_table()
    assert not table.loc[table["version"] == "base", ["best_no_drop", "best_2_points"]].any(
        axis=None
    )


def test_of_equal_files_the_first_is_the_best():
    table = study_table()
    table["file_mb"] = 1.0
    again = mark_best(table)
    assert list(again.index[again["best_no_drop"]]) == [1]


def test_a_cell_of_fewer_trainings_is_not_the_best():
    table = study_table()
    smallest = table["file_mb"].isin([13.02, 8.39])
    table["seeds"] = ["1" if one else "1 2 3" for one in smallest]
    again = mark_best(table)
    assert not again.loc[smallest, ["best_no_drop", "best_2_points"]].any(axis=None)
    assert again["best_2_points"].any()
    # Base models may have more trainings than any cell.
    table["seeds"] = ["1 2 3" if base else "1" for base in table["version"] == "base"]
    columns = ["best_no_drop", "best_2_points", "official_best_no_drop", "official_best_2_points"]
    pd.testing.assert_frame_equal(mark_best(table)[columns], study_table()[columns])
    # Lines of each seed.
    alone = mark_best(table.drop(columns="seeds"))
    pd.testing.assert_frame_equal(alone[columns], study_table()[columns])


def test_chosen_cells_and_why():
    table = study_table()
    vgg16 = chosen_cells(table, "vgg16", 4)
    assert [(choice.cell["file_mb"], choice.why) for choice in vgg16] == [
        (13.02, "best at no drop"),
        (8.39, "best within 2 points"),
        (7.05, "smallest file"),
        (8.43, "next smallest file"),
    ]
    assert vgg16[2].version == "0.01/l1-0.001/kmeans-5-trained"
    assert vgg16[2].text == "5 bits, kmeans, trained, L1 0.001, threshold 0.01"
    tiny = chosen_cells(table, "tiny_net", 2)
    assert [choice.why for choice in tiny] == ["best within 2 points", "smallest file"]
    assert len(chosen_cells(table, "tiny_net", 9)) == 3


def test_a_cell_that_is_best_twice_is_chosen_once():
    table = study_table()
    table["best_2_points"] = table["best_no_drop"]
    assert [choice.why for choice in chosen_cells(table, "vgg16", 2)] == [
        "best at no drop and best within 2 points",
        "smallest file",
    ]


figures = st.integers(0, 6).map(float)


@given(st.lists(st.tuples(figures, figures), min_size=1, max_size=12))
def test_the_front_by_its_definition(cells):
    sizes, scores = np.array(cells).T
    found = pareto_front(sizes, scores)
    for number, (size, score) in enumerate(cells):
        beaten = any(
            other <= size and value >= score and (other, value) != (size, score)
            for other, value in cells
        )
        twin = any(sizes[k] == size and scores[k] == score for k in found if k != number)
        assert (number in found) == (not beaten and not twin)
    assert (np.diff(sizes[found]) > 0).all()
    assert (np.diff(scores[found]) > 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_the_front_of_few(count):
    assert list(pareto_front(np.ones(count), np.ones(count))) == list(range(count))
