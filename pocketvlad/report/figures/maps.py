"""mAP against the bytes of model and map together, for maps of several sizes."""

from collections.abc import Sequence
from statistics import fmean

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocketvlad.report.basis import all_queries, with_seeds
from pocketvlad.report.figures.panels import legend_below
from pocketvlad.report.figures.style import GREY, hues, markers, plain_log_ticks, use_style
from pocketvlad.report.pareto_front import pareto_front
from pocketvlad.report.score_columns import DENSE, MEAN, judging
from pocketvlad.report.tables.maps import is_exact, total_column


def _heights(lines: pd.DataFrame, cities: Sequence[str]) -> pd.Series:
    """Mean mAP of both cities, by the queries that cells are judged by."""
    queries = judging(lines.columns)
    base = lines[is_exact(lines)].iloc[0]
    return fmean(base[queries.key(f"map_{city}")] for city in cities) - lines[queries.drop(MEAN)]


def _draw(axes: Axes, lines: pd.DataFrame, heights: pd.Series, sizes: pd.Series, looks) -> None:
    colours, shapes = looks
    base = is_exact(lines)
    axes.axhline(heights[base].iloc[0], color=GREY, linewidth=0.9, linestyle="--")
    front = pareto_front(sizes.to_numpy(), heights.to_numpy())
    axes.step(
        sizes.iloc[front], heights.iloc[front], where="post", color="black", linewidth=1, zorder=2
    )
    for number, line in lines.iterrows():
        axes.plot(
            sizes[number],
            heights[number],
            marker="*" if base[number] else shapes[line["code"]],
            markersize=11 if base[number] else 6.5,
            color=GREY if base[number] else colours[line["version"]],
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=3,
        )
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.margins(y=0.08)


def maps_figure(table: pd.DataFrame, cities: Sequence[str], places: Sequence[int]) -> Figure:
    """A row a model, a column a number of places: a hue a model file, a shape a code.

    Every map is drawn at the mAP of the test city's own, whatever its size.

    Args:
        table: as `tables.maps.maps_table` gives it.
        cities: the roles of the cities that were tested on.
        places: sizes of maps that the table has totals of.
    """
    use_style()
    looks = hues(table["version"]), markers(table["code"])
    models = list(table["model"].unique())
    figure, grid = plt.subplots(
        len(models),
        len(places),
        figsize=(3.6 * len(places) + 0.6, 3.2 * len(models) + 1.1),
        squeeze=False,
        sharey="row",
        layout="constrained",
    )
    for model, row in zip(models, grid, strict=True):
        lines = table[table["model"] == model]
        heights = _heights(lines, cities)
        for number, axes in zip(places, row, strict=True):
            _draw(axes, lines, heights, lines[total_column(number)], looks)
            axes.set(title=f"{model}, {number:,} places", xlabel="model + map (MB)")
        row[0].set_ylabel(f"mAP (%), mean of {' and '.join(cities)}")
    queries = judging(table.columns)
    words = "dense queries" if queries == DENSE else "official queries"
    note = (
        f"Of each model and city, points rest on {with_seeds(str(table['seed'].iloc[0]))}, by the "
        f"{words}. {all_queries(table.iloc[0], [queries], cities)}"
    )
    handles = [
        Line2D([], [], color=GREY, marker="*", markersize=10, linestyle="--", label="float32 base"),
        *(
            Line2D([], [], color=colour, marker="o", linestyle="", label=name)
            for name, colour in looks[0].items()
        ),
        *(
            Line2D([], [], color=GREY, marker=shape, linestyle="", label=name)
            for name, shape in looks[1].items()
        ),
        Line2D([], [], color="black", linewidth=1, label="Pareto front"),
    ]
    legend_below(figure, handles, 5, note)
    return figure
