"""Columns of test sets beyond the two cities, against arithmetic by hand."""

import copy
import re
from statistics import fmean, stdev

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_rows import BASE, CITIES, PRUNED, ROUNDED, share, study_rows
from test_tables import assert_alike, in_all_forms

from pocketvlad.data.dataset import BY_POSITIONS
from pocketvlad.report.published import published_results
from pocketvlad.report.rows import read_table, results_tables
from pocketvlad.report.tables.layout import results_layout
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.report.test_set_columns import by_test_set
from pocketvlad.scoring.bootstrap import paired_drop
from pocketvlad.scoring.landmark_bootstrap import Comparison, landmark_drop

SEEDS = {BASE: [3, 1], PRUNED: [3, 1], ROUNDED: [3]}
SIZES = {"": {"mill": 3, "quay": 2}, "dense_": {"mill": 5, "quay": 4}}


ASKED = {f"{mark}_{n}": mark for mark, size in (("mill", 6), ("quay", 4)) for n in range(size)}
COUNTS = ("1", "5", "10")


def places_of(trained_on, version, seed):
    """By query where the first right answer stands; 0 where there is none."""
    of_each = {name: share("place", trained_on, version, seed, name) for name in ASKED}
    return {name: [0, 1, 1, 3, 8, 20][int(6 * each)] for name, each in of_each.items()}


def row_on(
    name, trained_on, version, seed, dense=True, places=True, protocol="original", listed=True
):
    """Of a model that was tested on a test set."""
    row: dict = {
        "model": "vgg16",
        "version": version,
        "seed": seed,
        "train_city": trained_on,
        "test_city": name,
        "test_dataset": {"name": f"set-{name}", "protocol": protocol, "images": 40, "queries": 5},
    }
    for prefix, sizes in SIZES.items():
        if not listed or (prefix and not dense):
            continue
        landmarks = {f"{mark}_{n}": mark for mark, size in sizes.items() for n in range(size)}
        precision = {
            query: share(prefix, name, query) - 0.1 * share(trained_on, version, seed, query)
            for query in landmarks
        }
        row |= {
            f"{prefix}map": fmean(precision.values()),
            f"{prefix}average_precision": precision,
            f"{prefix}landmarks": landmarks,
        }
    if protocol == "revisited":
        row["difficulties"] = {
            each: {"map": share(each, trained_on, version, seed)}
            for each in ("easy", "medium", "hard")
        }
    if places:
        first = places_of(trained_on, version, seed)
        if listed:
            row["recall_landmarks"] = ASKED
        row |= {
            "recall": {n: fmean(0 < place <= int(n) for place in first.values()) for n in COUNTS},
            "recall_first_right": first,
            "recall_metres": 25.0,
            "recall_without_positives": 1,
        }
    return row


def rows_on(name, **features):
    return [
        row_on(name, city, version, seed, **features)
        for version, seeds in SEEDS.items()
        for seed in seeds
        for city in CITIES
    ]


PLACED, REVISITED, LOCATED = "home", "roof", "lane"
ROLES = [PLACED, REVISITED, LOCATED]


@pytest.fixture(scope="module")
def rows():
    found = (
        rows_on(PLACED),
        rows_on(REVISITED, dense=False, places=False, protocol="revisited"),
        rows_on(LOCATED, protocol=BY_POSITIONS, listed=False),
    )
    return [row for each in found for row in each]


@pytest.fixture(scope="module")
def tables(rows):
    test_sets = by_test_set(rows, ROLES, CITIES)
    return results_tables(study_rows(SEEDS), CITIES, test_sets)


def scores(prefix, version, seed):
    """[2, Q] Of each training city, in points; and the landmark of each query."""
    found = [row_on(PLACED, city, version, seed) for city in CITIES]
    queries = list(found[0][f"{prefix}average_precision"])
    values = [[row[f"{prefix}average_precision"][query] for query in queries] for row in found]
    return 100 * np.array(values)


@pytest.mark.parametrize("prefix", ["", "dense_"])
def test_figures_are_means_over_both_training_cities(tables, prefix):
    table, by_seed = (each.set_index("version") for each in tables)
    for version, seeds in SEEDS.items():
        drops, maps = [], []
        for seed in seeds:
            lost = scores(prefix, BASE, seed) - scores(prefix, version, seed)
            drops.append(lost.mean())
            maps.append(scores(prefix, version, seed).mean())
            line = by_seed[by_seed["seed"] == seed].loc[version]
            assert line[f"{prefix}drop_home"] == pytest.approx(drops[-1])
            assert line[f"{prefix}map_home"] == pytest.approx(maps[-1])
            for place, city in enumerate(CITIES):
                alone = line[f"{prefix}drop_home_from_{city}"]
                assert alone == pytest.approx(lost[place].mean())
        line = table.loc[version]
        assert line[f"{prefix}drop_home"] == pytest.approx(fmean(drops))
        assert line[f"{prefix}map_home"] == pytest.approx(fmean(maps))
        halves = [line[f"{prefix}map_home_from_{city}"] for city in CITIES]
        assert fmean(halves) == pytest.approx(fmean(maps))
        if len(seeds) > 1:
            assert line[f"{prefix}drop_home_spread"] == pytest.approx(stdev(drops))
            assert line[f"{prefix}map_home_spread"] == pytest.approx(stdev(maps))
        else:
            assert np.isnan(line[f"{prefix}drop_home_spread"])


@pytest.mark.parametrize("prefix", ["", "dense_"])
def test_intervals_are_those_of_the_mean_score_of_each_query(tables, prefix):
    line = tables[0].set_index("version").loc[PRUNED]
    marks = row_on(PLACED, "oxford", BASE, 3)[f"{prefix}landmarks"]
    base, other = (
        [
            dict(zip(marks, scores(prefix, version, seed).mean(axis=0) / 100, strict=True))
            for seed in SEEDS[PRUNED]
        ]
        for version in (BASE, PRUNED)
    )
    drops = landmark_drop([Comparison(base, other, marks)]), paired_drop([(base, other)])
    suffixes = ("", "_plain") if prefix else ("_landmarks", "")
    for drop, suffix in zip(drops, suffixes, strict=True):
        assert line[f"{prefix}drop_home{suffix}_low"] == pytest.approx(drop.low)
        assert line[f"{prefix}drop_home{suffix}_high"] == pytest.approx(drop.high)
        assert drop.low < line[f"{prefix}drop_home"] < drop.high


def test_recall_and_difficulties_are_means_too(tables, rows):
    line = tables[0].set_index("version").loc[PRUNED]
    own = [row for row in rows if row["version"] == PRUNED]
    placed = [row for row in own if row["test_city"] == PLACED]
    assert len(placed) == 4
    base = [row for row in rows if row["version"] == BASE and row["test_city"] == PLACED]
    for count in COUNTS:
        found, before = (
            100 * fmean(row["recall"][count] for row in each) for each in (placed, base)
        )
        for role in (PLACED, LOCATED):
            assert line[f"recall_at_{count}_{role}"] == pytest.approx(found)
            assert line[f"recall_drop_at_{count}_{role}"] == pytest.approx(before - found)
    names = ("recall_queries", "recall_without_positives", "recall_metres")
    assert [line[f"{name}_home"] for name in names] == [10, 1, 25]
    hard = [row["difficulties"]["hard"]["map"] for row in own if row["test_city"] == REVISITED]
    assert line["map_hard_roof"] == pytest.approx(100 * fmean(hard))
    assert {"map_easy_roof", "map_medium_roof"} & set(line.index) == {"map_easy_roof"}
    assert not [name for name in line.index if name.startswith(("dense_map_roof", "recall_at_1_r"))]


def test_the_interval_of_recall_is_that_of_the_mean_of_both_models(tables):
    """The jackknife over landmarks by hand, of one seed: its width is Student's."""
    line = tables[1].set_index(["version", "seed"]).loc[PRUNED, 1]
    both = [places_of(city, PRUNED, 1) for city in CITIES]
    points = {name: 50 * sum(0 < first[name] <= 5 for first in both) for name in ASKED}
    of_mark = [[points[name] for name in ASKED if ASKED[name] == mark] for mark in ("mill", "quay")]
    mill, quay = map(fmean, of_mark)
    # Without one of two landmarks the mean is that of the other.
    variance = sum((each - fmean(points.values())) ** 2 for each in (mill, quay)) / 2
    half = stats.t.ppf(0.975, 1) * variance**0.5  # at least one degree of freedom
    low, high = (line[f"recall_at_5_home_landmarks_{end}"] for end in ("low", "high"))
    assert (low, high) == (0, 100) if half > 100 else high - low <= 2 * half + 1e-6
    spread = np.std(list(points.values())) / len(points) ** 0.5
    plain = [line[f"recall_at_5_home_{end}"] for end in ("low", "high")]
    assert 2.5 * spread < plain[1] - plain[0] < 5 * spread


def test_a_test_set_of_positions_alone_has_no_map(tables):
    for table in tables:
        own = [name for name in table if "lane" in name]
        assert {"recall_at_1_lane", "recall_drop_at_1_lane_low", "evaluation_lane"} <= set(own)
        assert not [name for name in own if "map" in name or "landmarks" in name]
        assert not [name for name in own if name.startswith(("drop_", "dense_"))]
        assert set(table["evaluation_lane"]) == {BY_POSITIONS}


def test_everything_else_is_as_without_them(tables):
    """The best cells among it; and the new columns come last."""
    for found, before in zip(tables, results_tables(study_rows(SEEDS), CITIES), strict=True):
        pd.testing.assert_frame_equal(found[list(before)], before)
        new = [name for name in found if name not in before]
        marks = [name for name in before if name.startswith(("best_", "official_best"))]
        assert list(found) == [*before.columns.drop(marks), *new, *marks]


def test_every_column_is_explained(tables, request):
    readme = (request.config.rootpath / "results" / "README.md").read_text()
    names = re.findall(r"`([a-zN0-9_<>]+)`", readme.split("### Test sets")[1].split("\n## ")[0])
    explained = {
        name.replace("<set>", role).replace("<city>", city).replace("<N>", count)
        for name in names
        for role in ROLES
        for city in CITIES
        for count in COUNTS
    }
    without = results_tables(study_rows(SEEDS), CITIES)
    for table, before in zip(tables, without, strict=True):
        assert {name for name in table if name not in before} <= explained


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:-1], "test set home: no row of .*rd/0.4', 3.* trained on paris"),
        (lambda rows: [*rows, rows[0]], "test set home: two rows for .*'base', 3, 'oxford'"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    def tabulate():
        test_sets = by_test_set(change(rows_on(PLACED)), [PLACED], CITIES)
        return results_tables(study_rows(SEEDS), CITIES, test_sets)

    with pytest.raises(ValueError, match=message):
        tabulate()


def test_scores_of_unlike_queries_are_refused():
    rows = copy.deepcopy(rows_on(PLACED))
    del rows[0]["average_precision"]["mill_0"]
    with pytest.raises(ValueError, match="scores on home are of unlike queries; delete those"):
        results_tables(study_rows(SEEDS), CITIES, by_test_set(rows, [PLACED], CITIES))


def test_the_page_has_them_behind_the_two_cities(tables, tmp_path, request):
    tables[0].to_csv(tmp_path / "table.csv", index=False, float_format="%.6g")
    table = read_table(tmp_path / "table.csv")
    paper = published_results(request.config.rootpath / "config" / "paper_results.csv")
    arguments = (table, paper, CITIES, "Made up", [])
    layout = results_layout(*arguments, ROLES)
    assert_alike(in_all_forms(layout))
    without = results_layout(*arguments)
    headings = [column.heading for column in layout.columns]
    assert headings[len(without.columns) :] == [
        *("drop home", "dense drop home", "mAP home", "dense mAP home"),
        *("drop of R@1 home", "R@1 home", "R@5 home", "R@10 home"),
        *("drop roof", "mAP roof"),
        *("drop of R@1 lane", "R@1 lane", "R@5 lane", "R@10 lane"),
    ]
    [block] = layout.blocks
    for line, before, (_, row) in zip(
        block.lines, without.blocks[0].lines, table.iterrows(), strict=True
    ):
        assert line.entries[: len(before.entries)] == before.entries
        shown = dict(zip(headings, line.entries, strict=True))
        assert shown["drop home"].figure == f"{round(row['drop_home'], 1) + 0.0:.1f}"
        assert shown["R@5 home"].figure == f"{row['recall_at_5_home']:.1f}"
        low = f"{round(row['dense_drop_home_low'], 1) + 0.0:.1f}"
        bare = row["version"] == BASE
        assert shown["drop of R@1 lane"].interval.startswith("" if bare else "[")
        assert shown["R@1 lane"].interval.startswith("[")
        assert shown["dense drop home"].interval.startswith("" if bare else f"[{low}, ")
    text = markdown_table(layout)
    assert "mAP roof is that of medium, by the revisited protocol" in text
    assert "within 25 m; 1 of 10 have none" in text
    assert "lane: R@N is the share" in text
    assert "lane: Official queries" not in text
    assert "home: Official queries: 5 of home (2 landmarks); dense queries: 9 of home" in text
