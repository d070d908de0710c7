"""Model and map together: scores by codes, the table by hand, its page and figure, the config."""

import copy
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_rows import BASE, CITIES, ROUNDED, study_row
from test_dense import dataset_of, query
from test_test_sets import places_of, row_on
from workflow_runs import ROOT, copy_workflow, job_counts, load_config, snakemake

from pocketvlad.data.dataset import BY_POSITIONS, index_located
from pocketvlad.maps.city_descriptors import CityDescriptors
from pocketvlad.maps.coded_city import coded_scores
from pocketvlad.maps.fitted_code import fit
from pocketvlad.maps.map_code import code_named
from pocketvlad.report.figures.maps import maps_figure
from pocketvlad.report.tables.html import html_page
from pocketvlad.report.tables.maps import coded_test_sets, maps_layout, maps_table
from pocketvlad.report.tables.markdown import markdown_table
from pocketvlad.scoring.average_precision import average_precision
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.study.config import check_config, with_defaults
from pocketvlad.study.faults import ConfigError
from pocketvlad.study.map_codes import map_codes, map_versions

DATASET = dataset_of([query("s_1", "ab", "c"), query("t_1", "de", "f")], "abcdefgh")


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def descriptors():
    """Two landmarks that overlap, and a training city of the same spread."""
    generator = np.random.default_rng(5)
    centres = generator.normal(size=(3, 12))
    places = centres[[0, 0, 0, 1, 1, 1, 2, 2]] + generator.normal(size=(8, 12))
    queries = centres[[0, 1]] + generator.normal(size=(2, 12))
    return CityDescriptors(unit(generator.normal(size=(60, 12))), unit(places), unit(queries))


@pytest.mark.parametrize("text", ["float32", "int8", "pq3", "bits-6"])
def test_a_code_is_scored_by_the_rankings_of_what_it_decodes_to(descriptors, text):
    row = coded_scores(code_named(text), descriptors, DATASET, seed=1)
    code = fit(code_named(text), descriptors.training, 1)
    places = code.decode(code.encode(descriptors.database))
    for number, asked in enumerate(DATASET.queries):
        order = np.argsort(-places @ code.prepare(descriptors.queries)[number], kind="stable")
        ranking = [DATASET.images[place] for place in order]
        expected = average_precision(ranking, asked.positives)
        assert row["average_precision"][asked.name] == pytest.approx(expected)
    # Dense queries are photographs of the map, asked as they are.
    order = np.argsort(-places @ code.prepare(descriptors.database[:1])[0], kind="stable")
    ranking = [DATASET.images[place] for place in order]
    expected = average_precision(ranking, {"b", "c"}, {"a"})
    assert row["dense_average_precision"]["s/a"] == pytest.approx(expected)
    assert row["places"] == 8
    assert row["place_bytes"] == {"float32": 48, "int8": 12, "pq3": 3, "bits-6": 1}[text]
    assert row["parameter_bytes"] == code.parameter_bytes
    assert row["encode_ms"] > 0
    assert row["search_ms"] > 0


def test_descriptors_come_back_as_they_were_written(descriptors, tmp_path):
    descriptors.write(tmp_path / "base.npz")
    again = CityDescriptors.read(tmp_path / "base.npz")
    for name, rows in vars(descriptors).items():
        np.testing.assert_array_equal(vars(again)[name], rows)


def test_a_code_that_cannot_be_learnt_is_named(descriptors):
    with pytest.raises(ValueError, match=r"map code int8-60: .*longer than the descriptor"):
        coded_scores(code_named("int8-60"), descriptors, DATASET, seed=1)


PLACES = {"oxford": 100, "paris": 50}


def coded(version, code, place_bytes, parameter_bytes, lost=0.0):
    """The rows of both directions; a code loses as much in every query."""
    for city in CITIES:
        row = study_row(city, version, seed=1)
        for name in ("average_precision", "dense_average_precision"):
            row[name] = {query: score - lost for query, score in row[name].items()}
        for name in ("map", "dense_map"):
            row[name] -= lost
        yield row | {
            "code": code,
            "places": PLACES[city],
            "place_bytes": place_bytes,
            "parameter_bytes": parameter_bytes,
            "encode_ms": 0.5 if city == "oxford" else 0.7,
            "search_ms": 2.0,
        }


def made_up():
    return [
        *coded(BASE, "float32", 256, 4),
        *coded(BASE, "int8", 64, 516, lost=-0.001),
        *coded(BASE, "bits", 8, 516, lost=0.04),
        *coded(ROUNDED, "float32", 256, 4),
        *coded(ROUNDED, "pq8", 8, 5000, lost=0.01),
    ]


TABLE = maps_table(made_up(), CITIES, [1000, 20000])


def test_bytes_of_model_and_map():
    line = TABLE.iloc[1]
    assert (line["version"], line["code"], line["place_bytes"]) == (BASE, "int8", 64)
    assert line["map_bytes_oxford"] == 64 * 100 + 516
    assert line["map_bytes_paris"] == 64 * 50 + 516
    model = (line["file_bytes_oxford"] + line["file_bytes_paris"]) / 2
    assert line["map_mb"] == pytest.approx((64 * 75 + 516) / 1e6)
    assert line["total_mb"] == pytest.approx((model + 64 * 75 + 516) / 1e6)
    assert line["total_ratio"] == pytest.approx((model + 64 * 75 + 516) / model)
    assert line["total_mb_1000"] == pytest.approx((model + 64_000 + 516) / 1e6)
    assert line["total_mb_20000"] == pytest.approx((model + 1_280_000 + 516) / 1e6)
    assert line["encode_ms"] == pytest.approx(0.6)


def test_drops_are_those_below_the_base_model_in_float32():
    by_code = TABLE.set_index(["version", "code"])
    assert by_code.loc[(BASE, "float32"), "drop_mean"] == 0
    for code, lost in (("int8", -0.1), ("bits", 4)):
        for column in ("drop_oxford", "drop_mean", "dense_drop_paris", "dense_drop_mean"):
            assert by_code.loc[(BASE, code), column] == pytest.approx(lost)
    cell = by_code.loc[(ROUNDED, "float32")]
    expected = [
        100 * (study_row(city, BASE, 1)["map"] - study_row(city, ROUNDED, 1)["map"])
        for city in CITIES
    ]
    assert cell["drop_mean"] == pytest.approx(np.mean(expected))
    coarse = by_code.loc[(ROUNDED, "pq8")]
    assert coarse["drop_mean"] - cell["drop_mean"] == pytest.approx(1)
    # As the loss is alike in all queries, the intervals are as wide.
    ends = ["dense_drop_mean_low", "dense_drop_mean_high"]
    np.testing.assert_allclose((coarse[ends] - cell[ends]).astype(float), 1, atol=1e-9)


def test_the_least_bytes_at_no_drop_are_marked():
    assert list(TABLE["no_drop"]) == [True, True, False, False, False]
    assert list(TABLE["best_no_drop"]) == [False, True, False, False, False]


def test_a_map_by_onnxruntime_says_so():
    """In a column that tables by torch alone do not have: they are the same as ever."""
    assert "computed_on" not in TABLE
    rows = [row | {"computed_on": "cpu, onnxruntime 1"} for row in made_up()[:2]] + made_up()[2:]
    table = maps_table(rows, CITIES, [1000, 20000])
    assert list(table["computed_on"]) == ["cpu, onnxruntime 1", *["cpu"] * 4]
    pd.testing.assert_frame_equal(table.drop(columns="computed_on"), TABLE)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (made_up()[:-1], "pq8 of vgg16, rd/0.4: not tested on {'paris'}"),
        ([*made_up(), made_up()[-1]], "two rows of pq8"),
    ],
)
def test_rows_of_other_directions_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        maps_table(rows, CITIES, [1000])


def test_page_in_both_forms():
    layout = maps_layout(TABLE, CITIES, "Maps of a study")
    page = markdown_table(layout)
    [line] = [line for line in page.splitlines() if "| pq8 " in line]
    cells = [each.strip() for each in line.strip("|").split("|")]
    headings = [
        each.strip() for each in page.split("| bytes a place")[1].split("\n")[0].split("|")[1:-1]
    ]
    assert cells[:3] == ["8", "pq8", ROUNDED]
    # A half of the codes is at odds with the model: 750 x 8 and 5,000 bytes beside 0.1 MB.
    assert cells[headings.index("map (MB)") + 1] == f"{(8 * 75 + 5000) / 1e6:.3f}"
    assert "model + map of 20,000 (MB)" in headings
    assert "Places of the test cities: 100 in oxford, 50 in paris." in page
    text = re.sub(r"<[^>]+>", " ", html_page(layout))
    for each in ("pq8", "rd/0.4", "a row a model file and map code", "20,000"):
        assert each in text


def on_test_set(name, **features):
    """Rows of a test set, of every model file and code of `made_up`."""
    for row in made_up():
        found = row_on(name, row["train_city"], row["version"], 1, **features)
        shift = {"float32": 0, "int8": 1, "bits": 7, "pq8": 2}[row["code"]]
        first = {query: place and place + shift for query, place in places_of(*key_of(row)).items()}
        found["recall_first_right"] = first
        yield found | {"code": row["code"]}


def key_of(row):
    return row["train_city"], row["version"], 1


def test_test_sets_have_columns_behind_all_others():
    rows = [*on_test_set("home"), *on_test_set("lane", protocol=BY_POSITIONS, listed=False)]
    test_sets = coded_test_sets(rows, ["home", "lane"], CITIES)
    table = maps_table(made_up(), CITIES, [1000, 20000], test_sets)
    pd.testing.assert_frame_equal(table[list(TABLE)], TABLE)
    by_code = table.set_index(["version", "code"])
    for version, code, shift in ((BASE, "float32", 0), (BASE, "int8", 1), (ROUNDED, "pq8", 2)):
        line = by_code.loc[version, code]
        expected = [
            0 < place <= 5 - shift
            for city in CITIES
            for place in places_of(city, version, 1).values()
        ]
        assert line["recall_at_5_lane"] == pytest.approx(100 * np.mean(expected))
        reference = by_code.loc[(BASE, "float32"), "recall_at_5_lane"]
        drop = reference - line["recall_at_5_lane"]
        assert line["recall_drop_at_5_lane"] == pytest.approx(drop)
        assert line["recall_drop_at_5_home_low"] <= drop <= line["recall_drop_at_5_home_high"]
    # Codes share the made-up mAP of their model file.
    assert by_code.loc[(BASE, "int8"), "drop_home"] == 0
    assert by_code.loc[(ROUNDED, "pq8"), "dense_drop_home"] != 0
    assert not [name for name in table if "map" in name and "lane" in name]
    layout = maps_layout(table, CITIES, "Maps of a study", ["home", "lane"])
    headings = [column.heading for column in layout.columns]
    assert headings[-4:] == ["drop of R@1 lane", "R@1 lane", "R@5 lane", "R@10 lane"]
    assert headings.index("search") < headings.index("drop home")
    for line in layout.blocks[0].lines:
        assert len(line.entries) == len(headings)
    assert "home, lane are test sets beyond the two cities" in markdown_table(layout)


def test_recall_is_that_of_the_codes(descriptors):
    """Of a test set without lists, and without descriptors of queries."""
    at = {name: (10.0 * n, 0.0) for n, name in enumerate(DATASET.images)}
    dataset = index_located("d", DATASET.sizes, ["a", "d"], at)
    city = replace(descriptors, queries=descriptors.queries[:0])
    row = coded_scores(code_named("bits-6"), city, dataset, 1, RecallSettings())
    code = fit(code_named("bits-6"), city.training, 1)
    places = code.decode(code.encode(city.database))
    names = dataset.images
    for image in ("a", "d"):
        asked = city.database[[names.index(image)]]
        order = np.argsort(-places @ code.prepare(asked)[0], kind="stable")
        ranking = [names[place] for place in order if names[place] not in ("a", "d")]
        near = [abs(at[name][0] - at[image][0]) <= 25 for name in ranking]
        assert row["recall_first_right"][image] == near.index(True) + 1
    assert "map" not in row
    assert row["search_ms"] > 0


def test_figure_has_every_line_at_its_bytes_and_height():
    figure = maps_figure(TABLE, CITIES, [1000, 20000])
    panels = figure.axes
    assert [axes.get_title() for axes in panels] == ["vgg16, 1,000 places", "vgg16, 20,000 places"]
    base = np.mean([TABLE[f"dense_map_{city}"][0] for city in CITIES])
    for axes, column in zip(panels, ["total_mb_1000", "total_mb_20000"], strict=True):
        points = {
            (round(float(line.get_xdata()[0]), 6), round(float(line.get_ydata()[0]), 6))
            for line in axes.lines
            if line.get_marker() not in (None, "None", "")
        }
        assert points == {
            (round(line[column], 6), round(base - line["dense_drop_mean"], 6))
            for _, line in TABLE.iterrows()
        }


def test_every_column_is_explained():
    readme = (ROOT / "results" / "README.md").read_text().split("## Maps")[1]
    explained = set(re.findall(r"`([a-z0-9_<>]+)`", readme.split("\n## ")[0]))
    for column in TABLE.columns:
        general = re.sub("oxford|paris", "<city>", re.sub(r"mb_\d+", "mb_<places>", column))
        # Scores have the names that they have in the study's table.
        assert general in explained or re.match("(dense_)?(map|drop)_|.*no_drop|.*visible", column)


CONFIG = load_config(ROOT / "config.yaml")


def faults(**changes):
    config = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        section = config
        *above, name = path.split("__")
        for key in above:
            section = section[key]
        section[name] = value
    with pytest.raises(ConfigError) as caught:
        check_config(config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"map__codes": ["int9"]}, r"map\.codes\.0: map code 'int9' is unknown; write float32"),
        ({"map__codes": []}, r"map\.codes: \[\] does not fit"),
        ({"map__codes": ["int8-300"]}, r"'int8-300' needs .* 300 .* have 256; write a shorter"),
        ({"map__codes": ["pq300"]}, r"map\.codes\.0: 'pq300' needs descriptors of 300 components"),
        ({"map__codes": ["pq32-16"]}, r"32 bytes have 32 parts, more than the 16 components"),
        ({"map__codes": ["bits+int8-300"]}, r"'bits\+int8-300' needs .* 300 components"),
        ({"map__cells": ["rd/0.9"]}, r"map\.cells\.0: 'rd/0\.9' is no cell .* rd/0\.05"),
        ({"map__places": [0]}, r"map\.places\.0: 0 does not fit"),
        ({"models__lite0__codes": ["pq9x5"]}, r"models\.lite0\.codes\.0: map code 'pq9x5'"),
    ],
)
def test_mistakes_are_explained(changes, message):
    assert re.search(message, faults(**changes))


def test_a_models_codes_need_the_section():
    config = copy.deepcopy(CONFIG)
    del config["map"]
    with pytest.raises(ConfigError, match=r"models\.vgg16\.codes: \[\] has no effect"):
        check_config(config)


def test_which_models_have_a_map():
    config = with_defaults(copy.deepcopy(CONFIG))
    assert config["map"]["places"] == [1000, 20000, 1000000]
    assert map_codes(config, "alexnet") == ["float32", *CONFIG["map"]["codes"]]
    assert map_versions(config, "alexnet") == ["base"]
    assert map_versions(config, "vgg16") == map_versions(config, "lite0") == []
    del config["map"]["cells"]
    assert map_versions(config, "alexnet") == ["base", "rd/0.05", "rd/0.2"]
    config["map"]["cells"] = ["0.005/l1-0/kmeans-5-fixed"]
    assert map_versions(config, "alexnet") == ["base", "0.005/l1-0/kmeans-5-fixed"]
    config["models"]["lite0"]["codes"] = ["float32", "int8"]
    assert map_codes(config, "lite0") == ["float32", "int8"]
    # It has no such cell of its own.
    assert map_versions(config, "lite0") == ["base"]


def test_a_study_whose_models_have_no_codes_makes_no_table_of_maps(tmp_path):
    """Such as one that is laid over another and takes the one model with codes away: a table
    without a row would end the run with a traceback."""
    folder = copy_workflow(tmp_path / "clone")
    (folder / "own.yaml").write_text("study: own\nmodels:\n  alexnet:\n")
    planned = job_counts(snakemake(folder, "-n", "--configfile", "config.yaml", "own.yaml"))
    assert planned["tabulate_results"] == planned["plot_run_time"] == 1
    assert not {"code_maps", "tabulate_maps"} & planned.keys()
