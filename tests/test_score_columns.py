"""Columns of drops, of numbers that can be reckoned by hand, and by the definitions."""

import shutil

import numpy as np
import pandas as pd
import pytest
from study_tables import study_table

from pocketvlad.report.rows import baselines_table
from pocketvlad.report.score_columns import (
    DENSE,
    MEAN,
    OFFICIAL,
    alone,
    by_direction,
    judging,
    query_counts,
    query_sets,
    score_columns,
)
from pocketvlad.report.summary import summary_text
from pocketvlad.report.tables.narrow import narrow_baselines, narrow_table
from pocketvlad.scoring.bootstrap import Drop

CITIES = ["oxford", "paris"]


def keys(prefix, scores):
    """A row's keys of one protocol; scores by landmark."""
    queries = {f"{name}/{n}": x for name, found in scores.items() for n, x in enumerate(found)}
    return {
        f"{prefix}map": float(np.mean(list(queries.values()))),
        f"{prefix}average_precision": queries,
        f"{prefix}landmarks": {query: query.split("/")[0] for query in queries},
    }


def row(official, dense=None):
    return keys("", official) | (keys("dense_", dense) if dense else {})


BASE = {
    "oxford": row({"a": [0.9], "b": [0.5]}, {"a": [0.8, 0.6], "b": [0.7, 0.5]}),
    "paris": row({"c": [0.9], "d": [0.7]}, {"c": [0.8, 0.6], "d": [0.7, 0.5]}),
}
# Official: 10 and 30 points in oxford, none in paris. Dense: 2 and 6 points, a landmark each, in
# both.
OTHER = {
    "oxford": row({"a": [0.8], "b": [0.2]}, {"a": [0.78, 0.58], "b": [0.64, 0.44]}),
    "paris": row({"c": [0.9], "d": [0.7]}, {"c": [0.78, 0.58], "d": [0.64, 0.44]}),
}


def test_drops_by_hand():
    columns = score_columns(alone(BASE), alone(OTHER), CITIES)
    found = {name: columns[name] for name in columns if not name.endswith(("low", "high"))}
    visible = {name: found.pop(name) for name in ("visible_drop", "dense_visible_drop")}
    assert found == {
        "map_oxford": pytest.approx(50),
        "map_paris": pytest.approx(80),
        "drop_oxford": pytest.approx(20),
        "drop_paris": 0,
        "drop_mean": pytest.approx(10),
        "dense_map_oxford": pytest.approx(61),
        "dense_map_paris": pytest.approx(61),
        "dense_drop_oxford": pytest.approx(4),
        "dense_drop_paris": pytest.approx(4),
        "dense_drop_mean": pytest.approx(4),
        "no_drop": False,
        "official_no_drop": False,
    }
    # One degree of freedom: Student's 12.7062 standard errors of 2 points, about the mean.
    low, high = columns["dense_drop_oxford_low"], columns["dense_drop_oxford_high"]
    assert high - low == pytest.approx(2 * 12.7062 * 2, rel=1e-3)
    assert columns["dense_drop_oxford_plain_low"] == pytest.approx(2)  # two of four at 2 points
    assert columns["dense_drop_oxford_plain_high"] == pytest.approx(6)
    for name, width in visible.items():
        drop = (OFFICIAL if name == "visible_drop" else DENSE).drop_of(columns, MEAN)
        assert width == pytest.approx((drop.high - drop.low) / 2)


def test_the_official_columns_keep_their_plain_interval():
    columns = score_columns(alone(BASE), alone(OTHER), CITIES)
    assert (columns["drop_oxford_low"], columns["drop_oxford_high"]) == pytest.approx((10, 30))
    assert (columns["drop_mean_low"], columns["drop_mean_high"]) == pytest.approx((5, 15))
    assert columns["drop_oxford_landmarks_high"] > 100
    assert columns["drop_paris_landmarks_low"] == columns["drop_paris_landmarks_high"] == 0


def test_cells_are_judged_by_the_dense_queries():
    """They lose nothing there, and all that the official ones have."""
    other = {
        city: BASE[city] | {"map": 0.0, "average_precision": dict.fromkeys(queries, 0.0)}
        for city in CITIES
        for queries in [BASE[city]["average_precision"]]
    }
    columns = score_columns(alone(BASE), alone(other), CITIES)
    assert columns["no_drop"] is True
    assert columns["official_no_drop"] is False
    assert judging(columns) is DENSE
    assert query_sets(columns) == [OFFICIAL, DENSE]


def test_without_dense_queries_by_the_official_ones():
    base = {"oxford": BASE["oxford"], "paris": row({"c": [0.9], "d": [0.7]})}
    other = {"oxford": OTHER["oxford"], "paris": row({"c": [0.9], "d": [0.7]})}
    columns = score_columns(alone(base), alone(other), CITIES)
    assert not [name for name in columns if name.startswith("dense")]
    assert judging(columns) is OFFICIAL
    assert columns["no_drop"] is False


def test_of_one_landmark_nothing_is_known():
    rows = {city: row({"a": [0.9, 0.8]}) for city in CITIES}
    columns = score_columns(alone(rows), alone(rows), CITIES)
    assert OFFICIAL.drop_of(columns, MEAN) == Drop(0, -np.inf, np.inf)
    assert columns["visible_drop"] == np.inf


def test_queries_and_landmarks_are_counted():
    assert query_counts(BASE["paris"], "paris") == {
        "landmarks_paris": 2,
        "dense_queries_paris": 4,
        "dense_landmarks_paris": 2,
    }
    assert query_counts(row({"a": [0.9, 0.8]}), "paris") == {"landmarks_paris": 1}


def test_baselines_have_both_protocols_where_all_rows_do():
    tuned = {"model": "vgg16", "version": "base", "seed": 4, "epochs": 2}
    rows = [BASE[city] | tuned | {"test_city": city} for city in CITIES]
    [line] = baselines_table(rows, CITIES).to_dict("records")
    assert line == {
        "model": "vgg16",
        "state": "trained",
        "map_oxford": pytest.approx(70),
        "map_paris": pytest.approx(80),
        "dense_map_oxford": pytest.approx(65),
        "dense_map_paris": pytest.approx(65),
        "seeds": "4",
    }
    del rows[0]["dense_map"]
    assert not [name for name in baselines_table(rows, CITIES) if name.startswith("dense")]


def test_baselines_are_means_over_seeds():
    rows = [
        BASE[city] | {"model": model, "version": version, "test_city": city, **seed, "map": score}
        for city in CITIES
        for model, version, seed, score in (
            ("histogram", "", {}, 0.25),
            ("vgg16", "untrained", {"seed": 3, "epochs": 0}, 0.375),
            ("vgg16", "base", {"seed": 3, "epochs": 1}, 0.5),
            ("vgg16", "base", {"seed": 1, "epochs": 1}, 0.75),
        )
    ]
    table = baselines_table(rows, CITIES)
    assert table["map_oxford"].tolist() == table["map_paris"].tolist() == [25, 37.5, 62.5]
    assert table["seeds"].tolist() == ["", "3", "3 1"]
    assert table["state"].tolist() == ["", "untrained", "trained"]


def test_baselines_of_test_sets_stand_behind(tmp_path):
    """Means over both training cities; blank where nothing was scored."""
    on_cities = [
        BASE[city]
        | {"model": "vgg16", "version": "base", "test_city": city, "seed": 3, "epochs": 1}
        for city in CITIES
    ]
    on_sets = [
        {"model": "vgg16", "version": "base", "seed": 3, "epochs": 1, "train_city": city, **found}
        for city, share in zip(CITIES, (0.25, 0.75), strict=True)
        for found in (
            {"test_city": "home", "map": share, "recall": {"1": share / 2}},
            {"test_city": "lane", "recall": {"1": share, "5": 1.0}},
        )
    ]
    histogram = [BASE["oxford"] | {"model": "histogram", "test_city": city} for city in CITIES] + [
        {"model": "histogram", "test_city": "lane", "recall": {"1": 0.125, "5": 0.5}}
    ]
    before = baselines_table(histogram[:2] + on_cities, CITIES)
    table = baselines_table(histogram + on_cities + on_sets, CITIES, ["home", "lane"])
    pd.testing.assert_frame_equal(table[list(before)], before)
    new = ["map_home", "recall_at_1_home", "recall_at_1_lane", "recall_at_5_lane"]
    assert sorted(list(table)[len(before.columns) :]) == sorted(new)
    assert table["map_home"].tolist() == pytest.approx([np.nan, 50], nan_ok=True)
    assert table["recall_at_1_lane"].tolist() == pytest.approx([12.5, 50])
    # What a finished run says at its end has them behind the cities, and blanks, too.
    table.to_csv(tmp_path / "baselines.csv", index=False, float_format="%.6g")
    head, histogram_line, base_line = narrow_baselines(tmp_path / "baselines.csv", 120).splitlines()
    assert head.endswith("home")
    assert f"{table['map_oxford'][1]:.1f}" in base_line
    assert base_line.endswith("50.0")
    assert len(histogram_line) <= len(head) - len("50.0")
    # There is nothing to say as long as there is no table.
    made = [str(tmp_path / name) for name in ("table.csv", "baselines.csv")]
    assert summary_text(tmp_path, made) == ""
    study_table().to_csv(tmp_path / "table.csv", index=False)
    # Nor of one that the run's targets do not ask for: it may be of other settings.
    assert summary_text(tmp_path, made[1:]) == (
        f"{made[0]} is as an earlier run left it: these targets do not ask for it."
    )
    said = summary_text(tmp_path, made)
    assert base_line.strip() in said
    assert narrow_table(tmp_path / "table.csv", shutil.get_terminal_size().columns) in said
    assert str(tmp_path / "table.csv") in said


def test_a_base_model_that_was_not_trained_is_no_trained_one():
    untuned = {"model": "lite0", "version": "base", "seed": 1, "epochs": 0}
    rows = [BASE[city] | untuned | {"test_city": city} for city in CITIES]
    assert baselines_table(rows, CITIES)["state"].tolist() == ["initial"]


def test_rows_of_two_seeds_are_no_rows_of_one():
    rows = [{"model": "vgg16", "version": "base", "test_city": "paris", "seed": n} for n in (1, 2)]
    assert by_direction(rows[:1]) == {("vgg16", "base", "paris"): rows[0]}
    with pytest.raises(ValueError, match=r"'base', 'paris'.*give those of one seed"):
        by_direction(rows)
