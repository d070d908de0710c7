"""Figures: what they show, units on their axes, the same bytes twice."""

import hashlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle
from study_tables import CITIES, SEVERAL, study_table, three_seeds
from workflow_runs import ROOT

from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.format.compressed_file import open_compressed, write_compressed
from pocketvlad.format.contents import Contents
from pocketvlad.format.inspection import LayerReport, layer_reports
from pocketvlad.format.roles import Label, Part, Role
from pocketvlad.report.figures.layer_bytes import layer_bytes_figure
from pocketvlad.report.figures.pruning import pruning_figure
from pocketvlad.report.figures.run_time import run_time_figure
from pocketvlad.report.figures.size import size_figure
from pocketvlad.report.figures.style import bit_colours, hues, line_styles, markers, save_figure
from pocketvlad.report.figures.weights import weights_figure
from pocketvlad.report.layer_bytes import layer_bytes
from pocketvlad.report.published import published_results
from pocketvlad.report.run_time import by_rule, read_benchmarks
from pocketvlad.report.weight_stages import (
    chosen_layers,
    illustrated_cell,
    stage_titles,
    weight_stages,
)
from pocketvlad.util.whole_file import write_csv

PAPER = published_results(ROOT / "config" / "paper_results.csv")
LABELS = {
    "backbone.conv1.weight": Label(Part.BACKBONE, Role.CONVOLUTION),
    "backbone.conv1.bias": Label(Part.BACKBONE, Role.BIAS),
    "backbone.conv5.weight": Label(Part.BACKBONE, Role.CONVOLUTION),
    "projection.weight": Label(Part.PROJECTION, Role.LINEAR),
}
LAYERS = [name for name, label in LABELS.items() if label.role.compressed]
EDGES = np.linspace(-4, 4, 102)


def histogram(values, stage, layer):
    alive = values[values != 0]
    counts, _ = np.histogram(np.clip(alive, -4, 4), bins=EDGES)
    return pd.DataFrame(
        {
            "layer": layer,
            "stage": stage,
            "low": EDGES[:-1],
            "high": EDGES[1:],
            "count": counts,
            "zeros": len(values) - len(alive),
        }
    )


@pytest.fixture
def weights():
    """Weights of LAYERS, bell-shaped; those within 0.65 of zero are pruned."""
    generator = np.random.default_rng(3)
    base = {name: generator.normal(size=(4, 500)).astype(np.float32) for name in LAYERS}
    return base, {name: np.where(np.abs(w) < 0.65, 0, w) for name, w in base.items()}


@pytest.fixture
def stages(weights):
    base, pruned = weights
    table = pd.concat(
        histogram(values[name].ravel(), stage, name)
        for stage, values in (("base", base), ("pruned", pruned))
        for name in LAYERS
    )
    quantized = quantize_contents(contents_of(pruned), "kmeans", 3)
    return weight_stages(table, table, quantized.items(), LAYERS[:2])


def contents_of(tensors):
    """A model of these tensors, in the order of LABELS."""
    labels = {name: label for name, label in LABELS.items() if name in tensors}
    return Contents({name: tensors[name] for name in labels}, labels, {})


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_title()]


def labelled(axes, label):
    """The points of the line that has this label."""
    (line,) = (line for line in axes.get_lines() if line.get_label() == label)
    return np.array(line.get_data()).T


def test_size_has_a_panel_a_city_and_model_with_the_papers_points():
    figure = size_figure(study_table(), PAPER, CITIES)
    panels = panels_of(figure)
    assert [axes.get_title() for axes in panels] == [
        f"{model}, {score}"
        for model in ("vgg16", "tiny_net")
        for score in (*(f"tested on {city}-50%" for city in CITIES), "mean, dense queries")
    ]
    assert {axes.get_xlabel() for axes in panels} == {"file size (MB)"}
    assert [axes.get_ylabel() for axes in panels[:3]] == [
        "mAP (%)",
        "mAP (%)",
        "mAP above float32 (points)",
    ]
    # 5 bits, threshold 0.01: 529.5 / 21.2 times smaller, 6.8 points below our base model.
    points = labelled(panels[0], "paper's drop, 5 bits")
    expected = [4 * 31.557952 / (529.5 / 21.2), 47.1227 - 6.8]
    assert np.isclose(points, expected, atol=1e-3).all(axis=1).any()
    # The paper has no such model.
    for panel in panels[2:4]:
        assert "paper's drop, 5 bits" not in [line.get_label() for line in panel.get_lines()]
    plt.close(figure)


def test_dollars_in_the_name_of_a_data_set_are_no_mathematics(tmp_path):
    figure = size_figure(study_table().assign(dataset_oxford=r"$a\b$"), PAPER, CITIES)
    assert panels_of(figure)[0].get_title() == r"vgg16, tested on $a\b$"
    save_figure(figure, [tmp_path / "size.svg"])
    assert r"tested on $a\b$" in (tmp_path / "size.svg").read_text()


def test_the_front_is_drawn_through_the_best_cells():
    figure = size_figure(study_table(), PAPER, CITIES)
    (front,) = (
        line for line in panels_of(figure)[0].get_lines() if line.get_drawstyle() == "steps-post"
    )
    # 7.05 MB scores above all larger files; its line goes on to the base model's size.
    assert np.allclose(np.array(front.get_data()).T, [[7.05, 48.6227], [126.24, 48.6227]])
    plt.close(figure)


def test_the_dense_drop_has_a_panel_where_there_is_one():
    table = study_table()
    panel = panels_of(size_figure(table, PAPER, CITIES))[2]
    points = [line.get_xydata().tolist() for line in panel.get_lines()]
    # 13.02 MB lost 0.35 points, and is ringed with its interval, from 0.55 above to 1.65 below.
    assert points.count([[13.02, pytest.approx(-0.35)]]) == 2
    assert [[13.02, pytest.approx(-1.65)], [13.02, pytest.approx(0.55)]] in points
    plt.close("all")
    table = table[[name for name in table if not name.startswith("dense")]]
    assert len(panels_of(size_figure(table, PAPER, CITIES))) == 4
    plt.close("all")


def test_an_interval_without_ends_is_not_drawn():
    table = study_table()
    table[["dense_drop_mean_low", "dense_drop_mean_high"]] = -np.inf, np.inf
    panel = panels_of(size_figure(table, PAPER, CITIES))[2]
    assert np.isfinite(panel.get_ylim()).all()
    plt.close("all")


def test_pruning_joins_the_thresholds_of_a_coding():
    figure = pruning_figure(study_table(), PAPER, CITIES)
    axes = panels_of(figure)[0]
    assert axes.get_xlabel() == "pruned weights (%)"
    lines = [np.array(line.get_data()).T.tolist() for line in axes.get_lines()]
    assert [[53.1, 47.1227 - 0.9], [71.1, 47.1227 - 1.0]] in lines  # uniform, 8 bits
    assert [68.23, pytest.approx(45.1227)] in labelled(axes, "paper's drop, 8 bits").tolist()
    plt.close(figure)


def note(figure):
    """Above the legend."""
    [legend] = figure.legends
    return " ".join(legend.get_title().get_text().split())


@pytest.mark.parametrize("draw", [size_figure, pruning_figure])
def test_a_figure_says_what_it_rests_on(draw):
    one, three = (draw(table, PAPER, CITIES) for table in (study_table(), three_seeds()))
    assert "points rest on one training with seed 1." in note(one)
    assert "3 trainings with seeds 1, 2, 3 (2 base models and 2 cells), or on one training" in (
        note(three)
    )
    for figure in (one, three):
        assert "Official queries: 33 of oxford (11 landmarks) and 33 of paris" in note(figure)
        assert ("dense queries: 159 of oxford" in note(figure)) == (draw is size_figure)
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert ("mean of 3 trainings" in named) == ("one training" in named) == (figure is three)
    plt.close("all")


@pytest.mark.parametrize("draw", [size_figure, pruning_figure])
def test_a_cell_of_fewer_trainings_is_an_outline_below_its_own_base_model(draw):
    """With seed 1 the base model scores 5 points more than the mean of three."""
    table = three_seeds()
    table.loc[table["seeds"] == "1", ["map_oxford", "map_paris"]] += 5
    panel = panels_of(draw(table, PAPER, CITIES))[0]
    cells = {
        round(47.1227 - line.get_ydata()[0], 2): line.get_markerfacecolor()
        for line in panel.get_lines()
        if len(line.get_xdata()) == 1 and line.get_marker() in ("o", "s", "^") and
        line.get_markersize() < 8
    }  # fmt: skip
    drops = table[(table["model"] == "vgg16") & (table["version"] != "base")]
    assert sorted(cells) == sorted(drops["drop_oxford"])
    of_three = drops.loc[drops["version"] == SEVERAL, "drop_oxford"].item()
    assert {drop for drop, face in cells.items() if face != "white"} == {of_three}
    plt.close("all")


def test_more_bits_are_darker():
    colours = bit_colours([8, 5, 3, 5])
    greys = [np.dot(to_rgb(colours[bits]), (0.299, 0.587, 0.114)) for bits in (3, 5, 8)]
    assert greys[0] > greys[1] + 0.15
    assert greys[1] > greys[2] + 0.15


def test_as_many_shapes_as_a_legend_has_names():
    shapes = markers(map(str, range(60)))
    outlines = set()
    for shape in shapes.values():
        style = MarkerStyle(shape)
        assert style.is_filled()
        outlines.add(style.get_path().transformed(style.get_transform()).vertices.tobytes())
    assert len(outlines) == 60


def test_as_many_line_styles_and_hues_as_a_legend_has_names():
    assert len(set(line_styles(map(str, range(20))).values())) == 20
    for count in (3, 30):
        assert len(set(map(to_rgb, hues(map(str, range(count))).values()))) == count
    figure, axes = plt.subplots()
    for style in line_styles(map(str, range(20))).values():
        axes.plot([0, 1], linestyle=style)
    figure.draw_without_rendering()  # which refuses a pattern that is none
    plt.close(figure)


def test_stages_of_the_weights(weights, stages):
    _, pruned = weights
    assert list(stages["layer"].unique()) == LAYERS[:2]
    assert set(stages["stage"]) == {"base", "L1", "pruned", "quantized", "centre"}
    for name in LAYERS[:2]:
        zeros = (pruned[name] == 0).sum()
        for stage, total in (("base", 2000), ("pruned", 2000 - zeros), ("quantized", 2000 - zeros)):
            some = stages[(stages["layer"] == name) & (stages["stage"] == stage)]
            assert some["count"].sum() == total
        centres = stages[(stages["layer"] == name) & (stages["stage"] == "centre")]
        assert len(centres) == 7  # 3 bits, but for zero
        assert (centres["low"] == centres["high"]).all()
        assert centres["count"].sum() == 2000 - zeros
        # Each is the mean of the weights that it stands for.
        levels = centres["low"].to_numpy()
        alive = pruned[name][pruned[name] != 0]
        nearest = np.abs(alive[:, None] - levels).argmin(axis=1)
        means = [alive[nearest == n].mean() for n in range(7)]
        assert np.allclose(means, levels, atol=0.02)


def test_centres_scaled_by_rows_are_no_weights(weights):
    _, pruned = weights
    quantized = quantize_contents(contents_of(pruned), "kmeans-row", 3)
    assert quantized[LAYERS[0]].scales is not None
    table = pd.concat(
        histogram(pruned[LAYERS[0]].ravel(), stage, LAYERS[0]) for stage in ("base", "pruned")
    )
    stages = weight_stages(table, None, quantized.items(), LAYERS[:1])
    assert set(stages["stage"]) == {"base", "pruned", "quantized"}


def test_few_weights_that_a_file_has_without_a_codebook_are_shown_quantized(weights):
    _, pruned = weights
    name, levels = LAYERS[0], np.round(pruned[LAYERS[0]])
    table = pd.concat(histogram(pruned[name].ravel(), stage, name) for stage in ("base", "pruned"))
    stages = weight_stages(table, None, [(name, levels)], [name])
    quantized = stages[stages["stage"] == "quantized"]
    assert quantized["count"].sum() == np.count_nonzero(levels)
    assert "centre" not in set(stages["stage"])


def test_chosen_layers(capsys):
    labels = {name: LABELS[name] for name in LAYERS}
    middle = {
        "backbone.conv3.weight": Label(Part.BACKBONE, Role.CONVOLUTION),
        "pooling.centres": Label(Part.POOLING, Role.CLUSTER),
    }
    first, *others = labels
    ordered = {first: labels[first]} | middle | {name: labels[name] for name in others}
    # The last of the backbone, wherever the pooling stands.
    assert chosen_layers(ordered, []) == LAYERS
    assert chosen_layers(labels, ["backbone"]) == LAYERS[:2]
    # A study of hours does not end at its last figure: the log says what the layers are.
    assert chosen_layers(ordered, ["fc6"]) == LAYERS
    assert "figures.layers: no layer's name begins with fc6; the lay" in capsys.readouterr().out


def test_the_cell_whose_weights_are_shown():
    table = study_table()
    # A penalty at 0.01: of that threshold's other cells 8.39 MB is the best within two points.
    choice, penalty = illustrated_cell(table, "vgg16")
    assert (choice.cell["file_mb"], penalty.l1) == (8.39, "0.001")
    assert list(stage_titles(choice, penalty)) == ["base", "pruned", "L1", "quantized"]
    choice, penalty = illustrated_cell(table, "tiny_net")
    assert (choice.cell["file_mb"], penalty) == (0.4, None)
    assert "L1" not in stage_titles(choice, penalty)


def test_a_penalty_is_shown_by_no_name_but_its_own():
    table = study_table()
    versions = ["0.005/l1-0/kmeans-8-fixed", "0.01/l1-0.001/kmeans-5-trained"]
    # The smaller one has a penalty, and no cell without stands at its threshold.
    choice, penalty = illustrated_cell(table[table["version"].isin(versions)], "vgg16")
    assert (choice.version, penalty) == (versions[0], None)
    choice, penalty = illustrated_cell(table[table["version"] == versions[1]], "vgg16")
    assert (choice.version, penalty) == (versions[1], None)
    assert stage_titles(choice, penalty)["pruned"] == "pruned at 0.01,\nL1 0.001"


@pytest.fixture
def by_layer(tmp_path, weights):
    """Bytes by layer of two directions, and the sizes of the compressed files."""
    _, pruned = weights
    biases = {"backbone.conv1.bias": np.ones(4, np.float32)}
    sizes, directions = [], []
    for bits in (3, 6):
        path = tmp_path / f"{bits}.pvlad"
        contents = contents_of(pruned | biases)
        quantized = quantize_contents(contents, "uniform", bits)
        sizes.append(write_compressed(path, contents, quantized, "float16"))
        with open_compressed(path) as model:
            directions.append((layer_reports(model), sizes[-1], 4 * 6004 + 100))
    return layer_bytes(directions), sizes


def test_bytes_by_layer_add_up_to_the_files(by_layer):
    table, sizes = by_layer
    assert list(table["layer"]) == ["conv1", "conv5", "projection", "header"]
    assert table["compressed_bytes"].sum() == pytest.approx(np.mean(sizes))
    assert list(table["base_bytes"]) == [4 * 2004, 4 * 2000, 4 * 2000, 100]
    assert table["zero_percent"][1] == pytest.approx(48.4, abs=3)
    assert table["bits_a_weight"][:3].between(1.5, 7).all()
    assert np.isnan(table["bits_a_weight"][3])


def test_bytes_of_a_large_layer_are_written_in_full(tmp_path):
    weights = 16_777_217
    label = Label(Part.BACKBONE, Role.CONVOLUTION)
    reports = [
        LayerReport("backbone.fc.weight", label, (weights,), "uniform", 8, weights, 1_234_567, size)
        for size in (2_000_001, 2_000_002)
    ]
    write_csv(
        tmp_path / "bytes.csv", layer_bytes([([each], 3_000_000, 5 * weights) for each in reports])
    )
    line = pd.read_csv(tmp_path / "bytes.csv").iloc[0]
    assert line["weights"] == weights
    assert line["base_bytes"] == 4 * weights
    assert line["compressed_bytes"] == 2_000_001.5


HEADINGS = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def benchmarks(tmp_path):
    """Two rules' files, with Snakemake's columns; one job has no memory, one file is not there."""
    lines = {
        "train_model/vgg16-paris": ["90.5\t0:01:30\t1000.0\t1\t1\t900.0\t0\t0\t1\t80"],
        "train_model/vgg16-oxford": [
            "10.0\t0:00:10\t1200.0\t1\t1\t800.0\t0\t0\t1\t10",
            "20.0\t0:00:20\t1400.0\t1\t1\t1000.0\t0\t0\t1\t14",
        ],
        "evaluate_model/vgg16-paris-0.01/l1-0/kmeans-5-fixed": [
            "0.2\t0:00:00\t-\t-\t-\t-\t-\t-\t-\tNA"
        ],
    }
    files = {"train_model": [], "evaluate_model": [], "prune_model": []}
    for name, rows in lines.items():
        path = tmp_path / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADINGS + "\n".join(rows) + "\n")
        files[name.split("/")[0]].append(path)
    files["evaluate_model"].append(tmp_path / "benchmarks/evaluate_model/vgg16-oxford-base.tsv")
    files["prune_model"].append(tmp_path / "benchmarks/prune_model/vgg16-paris-0.01-0.tsv")
    return files


def test_benchmarks_by_rule(benchmarks):
    jobs = read_benchmarks(benchmarks)
    assert list(jobs["job"]) == [
        "vgg16-paris",
        "vgg16-oxford",
        "vgg16-paris-0.01/l1-0/kmeans-5-fixed",
    ]
    table = by_rule(jobs, benchmarks).set_index("rule")
    assert list(table.index) == ["train_model", "evaluate_model", "prune_model"]
    assert list(table["jobs"]) == [2, 2, 1]
    assert list(table["measured"]) == [2, 1, 0]
    train = table.loc["train_model"]
    assert train["seconds_total"] == 90.5 + 15  # a repeated job counts with its mean
    assert train["seconds_max"] == 90.5
    assert train["max_rss_mb"] == 1300
    assert train["cpu_seconds_total"] == 80 + 12
    assert table.loc["evaluate_model", "seconds_mean"] == 0.2
    assert np.isnan(table.loc["evaluate_model", "max_rss_mb"])
    assert np.isnan(table.loc["prune_model", "seconds_total"])


@pytest.mark.parametrize("content", [b"minutes\n3\n", b"\n", b"s\n1\t2\n", b"\xff\n3\n"])
def test_a_file_that_is_no_benchmark(benchmarks, content):
    path = benchmarks["train_model"][0]
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"vgg16-paris\.tsv is not a meas.* lacks cpu_time.*delete"
    ):
        read_benchmarks(benchmarks)


@pytest.mark.parametrize("figure", ["soon", "\0\0\0"])
def test_a_benchmark_without_a_number_is_named(benchmarks, figure):
    benchmarks["train_model"][0].write_text(f"s\tcpu_time\tmax_rss\n{figure}\t1\t2\n")
    with pytest.raises(ValueError, match=r"vgg16-paris\.tsv is not a meas.* float: '.*; delete"):
        read_benchmarks(benchmarks)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_figures_are_the_same_twice(tmp_path, stages, by_layer, benchmarks):
    table, jobs = study_table()[:6], read_benchmarks(benchmarks)
    titles = stage_titles(*illustrated_cell(table, "vgg16"))
    open_before = plt.get_fignums()
    makers = {
        "size": lambda: size_figure(table, PAPER, CITIES),
        "pruning": lambda: pruning_figure(table, PAPER, CITIES),
        "weights": lambda: weights_figure(stages, titles, "weights"),
        "bytes": lambda: layer_bytes_figure(by_layer[0], "bytes", "kmeans"),
        "run-time": lambda: run_time_figure(by_rule(jobs, benchmarks), jobs, "run time"),
    }
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
        for name, make in makers.items():
            save_figure(make(), [folder / f"{name}.svg", folder / f"{name}.png"])
    assert digests(folders[0]) == digests(folders[1])
    assert len(digests(folders[0])) == 2 * len(makers)
    for path in folders[0].glob("*.svg"):
        assert "<dc:date>" not in path.read_text()
    assert plt.get_fignums() == open_before


def test_a_study_that_measured_nothing_has_a_figure(benchmarks):
    for paths in benchmarks.values():
        for path in paths:
            path.unlink(missing_ok=True)
    jobs = read_benchmarks(benchmarks)
    figure = run_time_figure(by_rule(jobs, benchmarks), jobs, "run time")
    assert figure.axes[0].get_xlabel() == "run time of all jobs (s)"
    plt.close(figure)


def test_an_unquantized_layer_says_so(stages):
    some = stages[(stages["layer"] == LAYERS[0]) | ~stages["stage"].isin(["quantized", "centre"])]
    titles = dict.fromkeys(["base", "L1", "pruned", "quantized"], "")
    figure = weights_figure(some, titles, "weights")
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts.count("not quantized") == 1
    assert any(text.endswith("7 centres") for text in texts)
    plt.close(figure)
