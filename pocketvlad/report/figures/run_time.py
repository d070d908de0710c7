"""Run time and memory of each rule's jobs."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pocketvlad.report.figures.style import use_style
from pocketvlad.util.counted import counted


def _time(seconds: float) -> tuple[int, str]:
    """(seconds, name) of the unit that suits a duration."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return size, unit
    return 1, "s"


def _bars(axes: Axes, table: pd.DataFrame) -> None:
    totals = table["seconds_total"].fillna(0)
    size, unit = _time(totals.max())
    bars = axes.barh(
        range(len(table)),
        totals / size,
        color=sns.color_palette("colorblind")[9],
        edgecolor="black",
        linewidth=0.5,
    )
    labels = [
        "no record"
        if not row.measured
        else counted(row.measured, "job")
        + (f" of {row.jobs}" if row.measured < row.jobs else "")
        + f", {row.seconds_mean:.1f} s each"
        for row in table.itertuples()
    ]
    axes.bar_label(bars, labels, padding=3, fontsize=7.5)
    axes.set(
        xlabel=f"run time of all jobs ({unit})",
        xlim=(0, 1.5 * max(totals.max() / size, 1e-9)),
        title="run time",
    )
    axes.margins(y=0.03)
    axes.grid(axis="y", visible=False)


def run_time_figure(table: pd.DataFrame, jobs: pd.DataFrame, title: str) -> Figure:
    """Bars of the time that each rule's jobs took together, and a dot a job for its memory.

    Args:
        table: as `run_time.by_rule` gives it.
        jobs: as `run_time.read_benchmarks` gives it.
        title: of the whole.
    """
    use_style()
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 0.36 * len(table) + 1.3), sharey=True, layout="constrained"
    )
    _bars(left, table)
    rules = list(table["rule"])
    measured = jobs.dropna(subset="max_rss_mb")
    right.plot(
        measured["max_rss_mb"],
        measured["rule"].map(rules.index),
        "o",
        markersize=4,
        color=sns.color_palette("colorblind")[0],
        markeredgecolor="white",
        markeredgewidth=0.3,
    )
    right.plot(table["max_rss_mb"], range(len(table)), "|", color="black", markersize=11)
    right.set(xlabel="peak resident memory of a job (MiB)", title="memory (bar: the largest job)")
    right.set_xlim(left=0)
    left.set_yticks(range(len(table)), rules)
    left.invert_yaxis()
    figure.suptitle(title, fontsize=10)
    return figure
