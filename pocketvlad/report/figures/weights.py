"""Histograms of a layer's weights: base, pruned with and without L1, quantized with its centres."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pocketvlad.format.roles import Part
from pocketvlad.report.figures.style import GREY, use_style
from pocketvlad.report.weight_stages import BASE, CENTRE, PENALISED, PRUNED, QUANTIZED


def _shares(some: pd.DataFrame) -> np.ndarray:
    """[B] Counts as % of all weights of the layer, zeros among them."""
    return 100 * some["count"].to_numpy() / (some["count"].sum() + some["zeros"].iloc[0])


def _draw_bins(axes: Axes, some: pd.DataFrame, **looks: object) -> None:
    edges = np.append(some["low"], some["high"].iloc[-1])
    axes.stairs(_shares(some), edges, **looks)


def _widths(levels: np.ndarray) -> np.ndarray:
    """[L] The stretch that each level stands for. Beside zero, where pruning has left a gap, it is
    as wide as the distance from the level on the other side."""
    gaps = np.diff(levels)
    left, right = np.append(gaps[:1], gaps), np.append(gaps, gaps[-1:])
    left = np.where((levels > 0) & (levels - left < 0), right, left)
    right = np.where((levels < 0) & (levels + right > 0), left, right)
    return (left + right) / 2


def _draw_centres(axes: Axes, centres: pd.DataFrame, bin_width: float) -> None:
    """A line a level. Its height is the density of the weights around it, in % a bin."""
    levels = centres["low"].to_numpy()
    if len(levels) < 3:
        heights = _shares(centres)
    else:
        heights = _shares(centres) * bin_width / _widths(levels)
    axes.vlines(levels, 0, heights, color="black", linewidth=1)


def weights_figure(stages: pd.DataFrame, titles: Mapping[str, str], title: str) -> Figure:
    """A row a layer, a column a stage; the share of zeros, which no bin holds, in words.

    Args:
        stages: as `weight_stages.weight_stages` gives it.
        titles: of each stage that is there.
        title: of the whole.
    """
    use_style()
    layers = list(stages["layer"].unique())
    shown = [stage for stage in (BASE, PENALISED, PRUNED, QUANTIZED) if stage in titles]
    figure, grid = plt.subplots(
        len(layers),
        len(shown),
        figsize=(2.5 * len(shown), 1.9 * len(layers) + 0.7),
        sharex="row",
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    fill = sns.color_palette("colorblind")[9]
    for layer, row in zip(layers, grid, strict=True):
        by_stage = dict(list(stages[stages["layer"] == layer].groupby("stage")))
        ends = by_stage[BASE]["low"].min(), by_stage[BASE]["high"].max()
        for stage, axes in zip(shown, row, strict=True):
            if stage not in by_stage:
                axes.text(0.5, 0.5, "not quantized", transform=axes.transAxes, ha="center")
                continue
            some, words = by_stage[stage], []
            weights = some["count"].sum() + some["zeros"].iloc[0]
            words.append(f"{100 * some['zeros'].iloc[0] / weights:.0f} % zero")
            if stage == QUANTIZED and CENTRE in by_stage:
                centres = by_stage[CENTRE]
                _draw_bins(axes, by_stage[PRUNED], fill=True, color=fill, alpha=0.5)
                _draw_centres(axes, centres, some["high"].iloc[0] - some["low"].iloc[0])
                inside = centres["low"].between(*ends).sum()
                words.append(f"{len(centres)} centres")
                if inside < len(centres):
                    words.append(f"{len(centres) - inside} beyond")
            else:
                _draw_bins(axes, some, fill=True, facecolor=fill, edgecolor="black", linewidth=0.6)
            axes.text(
                0.97,
                0.95,
                "\n".join(words),
                transform=axes.transAxes,
                ha="right",
                va="top",
                fontsize=8,
                color=GREY,
            )
            axes.locator_params(axis="x", nbins=4)
            axes.locator_params(axis="y", nbins=4)
        row[0].set_xlim(1.03 * ends[0], 1.03 * ends[1])
        # Names are as long as a row is high: what all of them have in common goes.
        name = layer.removeprefix(f"{Part.BACKBONE}.").removesuffix(".weight")
        row[0].set_ylabel(f"{name}\n% of weights a bin", fontsize=8)
    for stage, axes in zip(shown, grid[0], strict=True):
        axes.set_title(titles[stage])
    for axes in grid[-1]:
        axes.set_xlabel("weight")
    for axes in grid.ravel():
        axes.set_ylim(bottom=0)
    figure.suptitle(title, fontsize=10)
    return figure
