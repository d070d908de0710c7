"""mAP against the share of weights that are pruned, a line a quantizer and bit width."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from pocketvlad.report.basis import figure_note
from pocketvlad.report.figures.panels import (
    CityScore,
    Looks,
    Panel,
    base_handle,
    legend_below,
    panels,
)
from pocketvlad.report.figures.style import GREY, line_styles, use_style
from pocketvlad.report.score_columns import OFFICIAL


def _draw_cells(panel: Panel, looks: Looks, lines: dict[str, object]) -> None:
    """Cells of one coding and bit width are joined in the order of their thresholds."""
    x = f"pruned_percent_{panel.score.city}"
    for (_, rate), some in panel.cells.groupby(["coding", "rate"], sort=False):
        some = some.sort_values(x)
        panel.axes.plot(
            some[x],
            [panel.value(cell) for _, cell in some.iterrows()],
            color=looks.colours[rate],
            linestyle=lines[rate],
            linewidth=1.2,
        )
        for _, cell in some.iterrows():
            looks.draw(panel.axes, cell[x], panel.value(cell), cell)
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
    handles = [*looks.handles(lines), base_handle()]
    legend_below(figure, handles, 4, figure_note(table, [OFFICIAL], cities))
    return figure
