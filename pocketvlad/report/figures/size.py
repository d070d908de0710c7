"""mAP against the file's size, with the Pareto front; beside it the dense drop."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocketvlad.report.basis import figure_note
from pocketvlad.report.best_cells import ROLES
from pocketvlad.report.figures.panels import (
    CityScore,
    Looks,
    MeanScore,
    Panel,
    Score,
    base_handle,
    legend_below,
    panels,
)
from pocketvlad.report.figures.style import GREY, markers, plain_log_ticks, use_style
from pocketvlad.report.pareto_front import pareto_front
from pocketvlad.report.score_columns import DENSE, query_sets
from pocketvlad.report.tables.rivals import OURS
from pocketvlad.util.size import MEGABYTE, float32_bytes

_RINGS = {"best_no_drop": 10, "best_2_points": 15}  # diameters in points
_RIVAL = "#a03060"
_RING = {"marker": "o", "color": "black", "markerfacecolor": "none", "linestyle": ""}


def _draw_front(panel: Panel, sizes: np.ndarray, scores: np.ndarray, right: float) -> None:
    best = pareto_front(sizes, scores)
    steps = np.append(sizes[best], right), np.append(scores[best], scores[best[-1]])
    panel.axes.step(*steps, where="post", color="black", linewidth=1.3, zorder=2)


def _draw_cells(panel: Panel, looks: Looks) -> None:
    axes, base_mb = panel.axes, panel.score.megabytes(panel.base)
    cells = [cell for _, cell in panel.cells.iterrows()]
    sizes = panel.score.megabytes(panel.cells).to_numpy()
    scores = np.array([panel.value(cell) for cell in cells])
    _draw_front(panel, sizes, scores, base_mb)
    for size, score, cell in zip(sizes, scores, cells, strict=True):
        looks.draw(axes, size, score, cell)
        for column, diameter in _RINGS.items():
            if cell[column]:
                axes.plot(size, score, markersize=diameter, zorder=4, **_RING)
                axes.plot(
                    [size, size],
                    panel.ends(cell),
                    color="black",
                    linewidth=0.8,
                    marker="_",
                    markersize=5,
                    zorder=2.8,
                )
    axes.plot(base_mb, panel.base_score, "*", color=GREY, markersize=11)


def _scale(panel: Panel, float32_mb: float) -> None:
    """MB below, and above how many times smaller than float32 that is; both logarithmic."""
    axes = panel.axes
    axes.set_xscale("log")

    def inverse(values: np.ndarray) -> np.ndarray:
        return float32_mb / np.maximum(values, 1e-9)

    above = axes.secondary_xaxis("top", functions=(inverse, inverse))
    for axis in (axes.xaxis, above.xaxis):
        plain_log_ticks(axis)
    axes.set_xlabel("file size (MB)")
    above.set_xlabel("times smaller than float32", fontsize=8)
    above.tick_params(labelsize=7.5)


def _draw_rivals(panel: Panel, rivals: pd.DataFrame) -> None:
    """An outline each, with the interval of its drop; those of one label share a shape."""
    for label, marker in markers(rivals["label"]).items():
        rows = rivals[(rivals["label"] == label) & (rivals["model"] == panel.model)]
        lines = [line for _, line in rows.iterrows()]
        scores = np.array([panel.value(line) for line in lines])
        low, high = np.array([panel.ends(line) for line in lines]).reshape(-1, 2).T
        panel.axes.errorbar(
            panel.score.megabytes(rows),
            scores,
            # An interval of percentiles need not hold the mean.
            [np.maximum(scores - low, 0), np.maximum(high - scores, 0)],
            linestyle="",
            marker=marker,
            color=_RIVAL,
            markerfacecolor="white",
            markersize=6,
            elinewidth=0.7,
            label=label,
            zorder=2.9,
        )


def size_figure(
    table: pd.DataFrame,
    published: pd.DataFrame,
    cities: Sequence[str],
    rivals: pd.DataFrame | None = None,
) -> Figure:
    """mAP of every cell against the bytes of its file, a column a city, a row a model. A last
    column has the mean drop of the dense queries, where there are any.

    Where cells rest on unlike numbers of trainings, the base model's line is the mean over all of
    its own, and a cell stands below it by its own drop.

    The paper gives sizes of full-size networks and drops, but no mAP. Its points are drawn at its
    ratio, and at our base model's mAP minus its drop.

    Args:
        table: as `rows.read_table` gives it.
        published: as `published.published_results` gives it.
        cities: the roles of the cities that were tested on.
        rivals: as `tables.rivals.rivals_table` gives it; those that are ours, or the base model,
            are drawn already.
    """
    use_style()
    looks = Looks.of(table)
    sets = query_sets(table.columns)
    scores: list[Score] = [CityScore(city) for city in cities]
    if DENSE in sets:
        scores.append(MeanScore())
    figure, drawn = panels(table, scores)
    for panel in drawn:
        float32_mb = float32_bytes(panel.base["parameters"]) / MEGABYTE
        _draw_cells(panel, looks)
        panel.draw_paper(published, lambda rows, mb=float32_mb: mb / rows["ratio"])
        if rivals is not None:
            _draw_rivals(panel, rivals[~rivals["coder"].isin(OURS)])
        _scale(panel, float32_mb)
        panel.axes.margins(y=0.08)
    handles = [
        *looks.handles(),
        base_handle(),
        Line2D([], [], color="black", linewidth=1.3, label="Pareto front"),
    ]
    for (column, diameter), role in zip(_RINGS.items(), ROLES.values(), strict=True):
        if table[column].any():
            handles.append(Line2D([], [], markersize=diameter, label=role, **_RING))
    legend_below(figure, handles, 4, figure_note(table, sets, cities))
    return figure
