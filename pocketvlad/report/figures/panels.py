"""What the figures of mAP share: a panel a model and city, the base model, the paper's points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocketvlad.compression.recipes import recipe_of
from pocketvlad.report.best_cells import is_cell
from pocketvlad.report.figures.style import GREY, NO_WIDTH, bit_colours, markers

PAPER_SHAPES = {8: "+", 5: "x"}


@dataclass(frozen=True)
class Panel:
    """One model tested on one city. cells: its lines of the table, with the `coding` and the
    `rate` of their recipes in words."""

    axes: Axes
    model: str
    city: str
    base: pd.Series
    cells: pd.DataFrame

    @property
    def base_map(self) -> float:
        return self.base[f"map_{self.city}"]

    def draw_paper(self, published: pd.DataFrame, x: Callable[[pd.DataFrame], pd.Series]) -> None:
        """The paper's compressed models, at our base model's mAP minus the paper's drop.

        Args:
            published: as `published.published_results` gives it.
            x: where rows of it stand.
        """
        known = self.model in published.index.get_level_values("model")
        if not known or f"drop_{self.city}" not in published:
            return
        rows = published.loc[self.model].reset_index()
        for bits, some in rows[rows["bits"] < 32].groupby("bits"):
            self.axes.plot(
                x(some),
                self.base_map - some[f"drop_{self.city}"],
                marker=PAPER_SHAPES.get(bits, "1"),
                label=f"paper's drop, {bits} bits",
                color="black",
                linestyle=":",
                linewidth=0.9,
                markersize=5,
                zorder=2.5,
            )


def panels(
    table: pd.DataFrame, cities: Sequence[str], width: float = 4.0, height: float = 3.3
) -> tuple[Figure, Iterator[Panel]]:
    """A figure with a row a model and a column a city, the base model's mAP drawn in."""
    models = list(table["model"].unique())
    figure, grid = plt.subplots(
        len(models),
        len(cities),
        figsize=(width * len(cities), height * len(models) + 0.9),
        squeeze=False,
        layout="constrained",
    )

    def each() -> Iterator[Panel]:
        for model, row in zip(models, grid, strict=True):
            for city, axes in zip(cities, row, strict=True):
                lines = table[table["model"] == model]
                base, cells = lines[~is_cell(lines)].iloc[0], lines[is_cell(lines)]
                recipes = [recipe_of(version) for version in cells["version"]]
                looks = {name: [getattr(r, name) for r in recipes] for name in ("coding", "rate")}
                panel = Panel(axes, model, city, base, cells.assign(**looks))
                axes.axhline(panel.base_map, color=GREY, linewidth=0.9, linestyle="--")
                axes.set(title=f"{model}, tested on {base[f'dataset_{city}']}", ylabel="mAP (%)")
                yield panel

    return figure, each()


@dataclass(frozen=True)
class Looks:
    """How cells are drawn in every figure: shape by coding, lightness by bit width.

    shapes: by a recipe's `coding`.  colours: by its `rate`, most bits first.
    """

    shapes: dict[str, object]
    colours: dict[str, object]

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Looks":
        recipes = [recipe_of(version) for version in table.loc[is_cell(table), "version"]]
        shades = bit_colours(r.fixed_bits for r in recipes if r.fixed_bits is not None)
        ordered = sorted(recipes, key=lambda r: r.fixed_bits or 0, reverse=True)
        colours = {r.rate: shades.get(r.fixed_bits, NO_WIDTH) for r in ordered}
        return cls(markers(recipe.coding for recipe in recipes), colours)

    def draw(self, axes: Axes, x: float, y: float, cell: pd.Series) -> None:
        """One cell's marker."""
        axes.plot(
            x,
            y,
            marker=self.shapes[cell["coding"]],
            color=self.colours[cell["rate"]],
            markeredgecolor="white",
            markeredgewidth=0.5,
            markersize=7,
            zorder=3,
        )

    def handles(self, lines: Mapping[str, object] | None = None) -> list[Line2D]:
        """For the legend: the shapes, then the bit widths, with their line styles if any."""
        shapes = [
            Line2D([], [], color=GREY, marker=shape, linestyle="", label=name, markersize=6)
            for name, shape in self.shapes.items()
        ]
        return shapes + [
            Line2D(
                [],
                [],
                color=colour,
                marker="o",
                linestyle=lines[rate] if lines else "",
                markersize=8,
                label=rate,
            )
            for rate, colour in self.colours.items()
        ]


def base_handle() -> Line2D:
    """For the legend: the base model's marker and the line at its mAP."""
    return Line2D(
        [], [], color=GREY, marker="*", markersize=10, linestyle="--", label="float32 base"
    )


def legend_below(figure: Figure, handles: Sequence[Line2D], columns: int) -> None:
    """One legend under all panels; what panels have labelled themselves comes last."""
    labelled = {}
    for axes in figure.axes:
        labelled |= {
            label: line for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
    handles = [*handles, *(labelled[label] for label in sorted(labelled, reverse=True))]
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=8)
