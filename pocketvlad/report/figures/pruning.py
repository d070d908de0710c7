"""mAP against the share of weights that are pruned, a line a quantizer and bit width."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from pocketvlad.report.figures.panels import (
    CityScore,
    Looks,
    Panel,
    base_handle,
    legend_below,
    panels,
)
from pocketvlad.report.figures.style import GREY, line_styles, use_style


def _draw_cells(panel: Panel, looks: Looks, lines: dict[str, object]) -> None:
    """Cells of one coding and bit width are joined in the order of their thresholds."""
    x, y = f"pruned_percent_{panel.score.city}", f"map_{panel.score.city}"
    for (_, rate), some in panel.cells.groupby(["coding", "rate"], sort=False):
        some = some.sort_values(x)
        panel.axes.plot(
            some[x], some[y], color=looks.colours[rate], linestyle=lines[rate], linewidth=1.2
        )
        for _, cell in some.iterrows():
            looks.draw(panel.axes, cell[x], cell[y], cell)
    panel.axes.plot(0, panel.base_score, "*", color=GREY, markersize=11)


def pruning_figure(table: pd.DataFrame, published: pd.DataFrame, cities: Sequence[str]) -> Figure:
    """mAP of every cell against % pruned, a column a city, a row a model.

    The paper's points stand at the percentages that it published, its drops below our base model.

    Args:
        table, published, cities: as for `size.size_figure`.
    """
    use_style()
    looks = Looks.of(table)
    lines = line_styles(looks.colours)
    figure, drawn = panels(table, [CityScore(city) for city in cities])
    for panel in drawn:
        _draw_cells(panel, looks, lines)
        panel.draw_paper(published, lambda rows: rows["pruned_percent"])
        panel.axes.set_xlabel("pruned weights (%)")
        panel.axes.set_xlim(-3, 100)
        panel.axes.margins(y=0.08)
    legend_below(figure, [*looks.handles(lines), base_handle()], columns=4)
    return figure
