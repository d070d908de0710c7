"""The picture of several studies: a hue a model, a shape a method, every cell below its base."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from study_tables import CITIES, study_table

from pocketvlad.report.figures.studies import studies_figure


def table_of(side, **changes):
    counts = {f"images_{city}": 40 for city in CITIES} | {"evaluation": "original"}
    return study_table().assign(protocol_image_size=side, **counts | changes)


@pytest.fixture
def tables():
    return {"phone": table_of(320), "subset": table_of(224)}


@pytest.fixture
def axes(tables):
    figure = studies_figure(tables, CITIES)
    yield figure.axes[0]
    plt.close(figure)


def points(axes, line):
    return np.array(line.get_data()).T


def test_every_cell_stands_below_its_base_by_its_drop(axes):
    assert axes.get_xscale() == "log"
    found = np.concatenate([points(axes, line) for line in axes.get_lines()])
    # Of dense queries: 10 points below the official ones of the made-up table.
    base = (47.1227 + 74.8417) / 2 - 10
    # Of both studies. What lost more than 15 points stands 15 points below, with an arrow.
    for size, drop in ((126.24, 0), (8.43, 2.2), (0.5, 2.75), (0.2, 15)):
        assert np.isclose(found, [size, base - drop]).all(axis=1).sum() == 2
    assert [text.get_text() for text in axes.texts] == ["↓"] * 2
    assert [text.xy for text in axes.texts] == [(0.2, base - 15)] * 2
    assert "dense queries" in axes.get_ylabel()


def test_a_hue_is_a_model_and_a_shape_a_method(axes):
    lines = axes.get_lines()
    hues = {to_hex(line.get_color()) for line in lines}
    assert len(hues) == 4  # two models of two studies
    shapes = {line.get_marker() for line in lines}
    # A star for the base; uniform, kmeans, the trained one with a penalty, rd.
    assert len(shapes) == 5
    assert sum(line.get_marker() == "*" for line in lines) == 4
    # Only what is set by an error is a curve.
    joined = [line for line in lines if line.get_linestyle() == "-"]
    assert [len(line.get_xdata()) for line in joined] == [1, 1]
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert "vgg16 (phone, 320 px)" in labels
    assert "tiny_net (subset, 224 px)" in labels
    assert len(labels) == 4 + 1 + 4


def test_official_queries_where_a_study_has_no_others(tables):
    bare = tables["subset"]
    tables["subset"] = bare[[name for name in bare if not name.startswith("dense")]]
    figure = studies_figure(tables, CITIES)
    assert "official queries" in figure.axes[0].get_ylabel()
    plt.close(figure)


def test_an_interval_without_ends_is_not_drawn(tables):
    for table in tables.values():
        table[["dense_drop_mean_low", "dense_drop_mean_high"]] = -np.inf, np.inf
    axes = studies_figure(tables, CITIES).axes[0]
    assert not axes.collections
    assert np.isfinite(axes.get_ylim()).all()
    plt.close("all")


@pytest.mark.parametrize(
    ("column", "value"),
    [("images_paris", 39), ("dense_queries_oxford", 55), ("dataset_oxford", "oxford5k")],
)
def test_studies_on_other_data_are_refused(tables, column, value):
    tables["subset"][column] = value
    message = rf"{column} is .* in the study phone and {value} in subset: .*figures\.studies"
    with pytest.raises(ValueError, match=message):
        studies_figure(tables, CITIES)


def test_a_study_of_other_cities_is_refused(tables):
    others = {name: name.replace("paris", "rome") for name in tables["subset"]}
    tables["subset"] = tables["subset"].rename(columns=others)
    message = r"study subset has no column dataset_paris, .*take subset out of figures\.studies"
    with pytest.raises(ValueError, match=message):
        studies_figure(tables, CITIES)
