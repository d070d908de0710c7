"""What the figures of mAP share: a panel a model and score, the base model, the paper's points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocketvlad.compression.recipes import recipe_of
from pocketvlad.report.best_cells import is_cell
from pocketvlad.report.figures.style import GREY, NO_WIDTH, bit_colours, markers
from pocketvlad.report.score_columns import DENSE, MEAN, OFFICIAL
from pocketvlad.report.trainings import trainings
from pocketvlad.scoring.bootstrap import Drop
from pocketvlad.util.size import MEGABYTE

PAPER_SHAPES = {8: "+", 5: "x"}
_LETTERS = 15  # of 8 points that an inch has room for


@dataclass(frozen=True)
class CityScore:
    """mAP on a city, by the official queries, and the files that were scored there."""

    city: str
    label = "mAP (%)"

    def title(self, base: pd.Series) -> str:
        return f"{base['model']}, tested on {base[f'dataset_{self.city}']}"

    def base_score(self, base: pd.Series) -> float:
        return base[f"map_{self.city}"]

    def megabytes(self, lines: pd.DataFrame | pd.Series) -> pd.Series | float:
        return lines[f"file_bytes_{self.city}"] / MEGABYTE

    def drop_of(self, line: pd.Series) -> Drop:
        return OFFICIAL.drop_of(line, self.city)

    def published(self) -> str:
        """The column of the paper's drops."""
        return f"drop_{self.city}"


@dataclass(frozen=True)
class MeanScore:
    """The mean of all cities by the dense queries, above or below the base model."""

    label = "mAP above float32 (points)"

    def title(self, base: pd.Series) -> str:
        return f"{base['model']}, mean, dense queries"

    def base_score(self, base: pd.Series) -> float:
        return 0.0

    def megabytes(self, lines: pd.DataFrame | pd.Series) -> pd.Series | float:
        return lines["file_mb"]

    def drop_of(self, line: pd.Series) -> Drop:
        return DENSE.drop_of(line, MEAN)

    def published(self) -> str:
        """The paper has no such queries."""
        return ""


Score = CityScore | MeanScore


@dataclass(frozen=True)
class Panel:
    """One model by one score. cells: its lines of the table, with the `coding` and the `rate` of
    their recipes in words."""

    axes: Axes
    model: str
    score: Score
    base: pd.Series
    cells: pd.DataFrame

    @property
    def base_score(self) -> float:
        return self.score.base_score(self.base)

    def value(self, line: pd.Series) -> float:
        """Where a cell, or a rival, stands on the vertical axis."""
        return self.base_score - self.score.drop_of(line).mean

    def ends(self, line: pd.Series) -> tuple[float, float]:
        """Those of the interval of its drop on that axis, the lower one first; where there is no
        limit, its value."""
        drop = self.score.drop_of(line)
        if not isfinite(drop.visible):
            return (self.value(line),) * 2
        return self.base_score - drop.high, self.base_score - drop.low

    def draw_paper(self, published: pd.DataFrame, x: Callable[[pd.DataFrame], pd.Series]) -> None:
        """The paper's compressed models, at our base model's mAP minus the paper's drop.

        Args:
            published: as `published.published_results` gives it.
            x: where rows of it stand.
        """
        column, models = self.score.published(), published.index.get_level_values("model")
        if self.model not in models or column not in published:
            return
        rows = published.loc[self.model].reset_index()
        for bits, some in rows[rows["bits"] < 32].groupby("bits"):
            self.axes.plot(
                x(some),
                self.base_score - some[column],
                marker=PAPER_SHAPES.get(bits, "1"),
                label=f"paper's drop, {bits} bits",
                color="black",
                linestyle=":",
                linewidth=0.9,
                markersize=5,
                zorder=2.5,
            )


def panels(
    table: pd.DataFrame, scores: Sequence[Score], width: float = 4.0, height: float = 3.3
) -> tuple[Figure, Iterator[Panel]]:
    """A figure with a row a model and a column a score, the base model's drawn in."""
    models = list(table["model"].unique())
    figure, grid = plt.subplots(
        len(models),
        len(scores),
        figsize=(width * len(scores), height * len(models) + 0.9),
        squeeze=False,
        layout="constrained",
    )

    def each() -> Iterator[Panel]:
        for model, row in zip(models, grid, strict=True):
            for score, axes in zip(scores, row, strict=True):
                lines = table[table["model"] == model]
                base, cells = lines[~is_cell(lines)].iloc[0], lines[is_cell(lines)]
                recipes = [recipe_of(version) for version in cells["version"]]
                looks = {name: [getattr(r, name) for r in recipes] for name in ("coding", "rate")}
                panel = Panel(axes, model, score, base, cells.assign(**looks))
                axes.axhline(panel.base_score, color=GREY, linewidth=0.9, linestyle="--")
                axes.set_ylabel(score.label)
                # The name of a data set may have dollars, which are no mathematics.
                axes.set_title(score.title(base), parse_math=False)
                yield panel

    return figure, each()


def _face(colour: object, filled: bool) -> dict[str, object]:
    """How a cell's marker is filled and edged."""
    face, edge, width = (colour, "white", 0.5) if filled else ("white", colour, 1.3)
    return {
        "markerfacecolor": face,
        "markeredgecolor": edge,
        "markeredgewidth": width,
        "markersize": 7 if filled else 5.7,  # as large, the edge included
    }


@dataclass(frozen=True)
class Looks:
    """How cells are drawn in every figure: shape by coding, lightness by bit width.

    shapes: by a recipe's `coding`.  colours: by its `rate`, most bits first.  filled: by the number
    of trainings that a cell is the mean of, the most first; those of fewer are outlines.
    """

    shapes: dict[str, object]
    colours: dict[str, object]
    filled: dict[int, bool]

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Looks":
        cells = table[is_cell(table)]
        recipes = [recipe_of(version) for version in cells["version"]]
        shades = bit_colours(r.fixed_bits for r in recipes if r.fixed_bits is not None)
        ordered = sorted(recipes, key=lambda r: r.fixed_bits or 0, reverse=True)
        colours = {r.rate: shades.get(r.fixed_bits, NO_WIDTH) for r in ordered}
        most, *fewer = sorted(set(map(trainings, cells["seeds"])), reverse=True)
        filled = {most: True} | dict.fromkeys(fewer, False)
        return cls(markers(recipe.coding for recipe in recipes), colours, filled)

    def draw(self, axes: Axes, x: float, y: float, cell: pd.Series) -> None:
        """One cell's marker."""
        axes.plot(
            x,
            y,
            marker=self.shapes[cell["coding"]],
            zorder=3,
            **_face(self.colours[cell["rate"]], self.filled[trainings(cell["seeds"])]),
        )

    def handles(self, lines: Mapping[str, object] | None = None) -> list[Line2D]:
        """For the legend: the shapes, then the bit widths, with their line styles if any, then the
        numbers of trainings, if they differ."""
        shapes = [
            Line2D([], [], color=GREY, marker=shape, linestyle="", label=name, markersize=6)
            for name, shape in self.shapes.items()
        ]
        numbers = [
            Line2D(
                [],
                [],
                marker="o",
                linestyle="",
                label=f"mean of {number} trainings" if number > 1 else "one training",
                **_face(GREY, filled),
            )
            for number, filled in self.filled.items()
            if len(self.filled) > 1
        ]
        rates = [
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
        return shapes + rates + numbers


def base_handle() -> Line2D:
    """For the legend: the base model's marker and the line at its mAP."""
    return Line2D(
        [], [], color=GREY, marker="*", markersize=10, linestyle="--", label="float32 base"
    )


def legend_below(figure: Figure, handles: Sequence[Line2D], columns: int, note: str) -> None:
    """One legend under all panels, `note` above it; what panels have labelled themselves comes
    last."""
    labelled = {}
    for axes in figure.axes:
        labelled |= {
            label: line for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
    handles = [*handles, *(labelled[label] for label in sorted(labelled, reverse=True))]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns,
        fontsize=8,
        title=fill(note, round(_LETTERS * figure.get_figwidth())),
        title_fontsize=8,
    )
