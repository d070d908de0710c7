"""mAP against the file's size, of several studies: a hue a model, a shape a method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pocketvlad.compression.recipes import recipe_of
from pocketvlad.report.best_cells import is_cell
from pocketvlad.report.figures.style import GREY, hues, markers, plain_log_ticks, use_style
from pocketvlad.report.score_columns import DENSE, MEAN, OFFICIAL, QuerySet, query_sets

_WORDS = {OFFICIAL: "official queries", DENSE: "dense queries"}
_SHOWN = 15.0  # points of mAP below the worst base model; what lies lower stands at the edge


@dataclass(frozen=True)
class _Model:
    """A model of a study.

    base: its line of the study's table.  cells: the others, with the `coding` of their recipes in
    words, and `set_by_error`, whether no bit width says how small they are.
    """

    name: str
    base: pd.Series
    cells: pd.DataFrame


def _models(tables: Mapping[str, pd.DataFrame]) -> Iterator[_Model]:
    for study, table in tables.items():
        for model, lines in table.groupby("model", sort=False):
            base, cells = lines[~is_cell(lines)].iloc[0], lines[is_cell(lines)]
            recipes = [recipe_of(version) for version in cells["version"]]
            cells = cells.assign(
                coding=[recipe.coding for recipe in recipes],
                set_by_error=[recipe.fixed_bits is None for recipe in recipes],
            )
            name = f"{model} ({study}, {base['protocol_image_size']} px)"
            yield _Model(name, base, cells)


def _check_comparable(
    tables: Mapping[str, pd.DataFrame], queries: QuerySet, cities: Sequence[str]
) -> None:
    """Check that all studies were tested on the same images and queries.

    Raises:
        ValueError: they were not; names both studies and what differs. Or a study has no such city.
    """
    first, *others = tables
    columns = ["evaluation"]
    for city in cities:
        columns += [f"dataset_{city}", f"images_{city}", queries.key(f"queries_{city}")]
    for study, table in tables.items():
        if missing := [column for column in columns if column not in table]:
            raise ValueError(
                f"the table of the study {study} has no column {missing[0]}, as one of the cities "
                f"{' and '.join(cities)} has; take {study} out of figures.studies, or run it again "
                "if an earlier version made its table"
            )
    for other in others:
        for column in columns:
            found = [tables[study][column].iloc[0] for study in (first, other)]
            if found[0] != found[1]:
                raise ValueError(
                    f"{column} is {found[0]} in the study {first} and {found[1]} in {other}: their "
                    f"figures cannot stand in one picture; take {other} out of figures.studies, or "
                    "run both on the same data"
                )


@dataclass(frozen=True)
class _Scale:
    """By which queries, over which cities, and the lowest mAP that has a place of its own."""

    queries: QuerySet
    cities: Sequence[str]
    floor: float


def _base_map(model: _Model, queries: QuerySet, cities: Sequence[str]) -> float:
    return fmean(model.base[queries.key(f"map_{city}")] for city in cities)


def _draw(
    axes: Axes, model: _Model, scale: _Scale, hue: object, shapes: Mapping[str, object]
) -> None:
    height = _base_map(model, scale.queries, scale.cities)
    axes.plot(model.base["file_mb"], height, "*", color=hue, markersize=13, zorder=4)
    for coding, cells in model.cells.groupby("coding", sort=False):
        cells = cells.sort_values("file_mb")
        drops = [scale.queries.drop_of(line, MEAN) for _, line in cells.iterrows()]
        joined = cells["set_by_error"].all()
        axes.plot(
            cells["file_mb"],
            [max(scale.floor, height - drop.mean) for drop in drops],
            marker=shapes[coding],
            linestyle="-" if joined else "",
            color=hue,
            markeredgecolor="white",
            markeredgewidth=0.5,
            markersize=7,
            zorder=3,
        )
        for size, drop in zip(cells["file_mb"], drops, strict=True):
            if height - drop.mean < scale.floor:
                end = size, scale.floor
                below = {"xytext": (0, -15), "textcoords": "offset points", "ha": "center"}
                axes.annotate("↓", end, color=hue, **below)
            elif isfinite(drop.visible):
                ends = height - drop.high, height - drop.low
                axes.vlines(size, *ends, color=hue, linewidth=0.8, alpha=0.45, zorder=2)


def studies_figure(tables: Mapping[str, pd.DataFrame], cities: Sequence[str]) -> Figure:
    """One panel: the mean mAP of the cities, by the dense queries where all studies have them, and
    the mean size of the files, in a logarithmic scale.

    A cell stands below its base model by its own drop, so that cells of unlike trainings can be
    compared. One that lost far more than the others stands at the lower edge, with an arrow. The
    panel is narrow enough to be read on a phone.

    Args:
        tables: by study its table, as `rows.read_table` gives it.
        cities: the roles of the cities that were tested on.

    Raises:
        ValueError: the studies were not tested on the same images and queries.
    """
    use_style()
    sets = [query_sets(table.columns) for table in tables.values()]
    queries = DENSE if all(DENSE in each for each in sets) else OFFICIAL
    _check_comparable(tables, queries, cities)
    models = list(_models(tables))
    scale = _Scale(queries, cities, min(_base_map(m, queries, cities) for m in models) - _SHOWN)
    colours = hues(model.name for model in models)
    shapes = markers(coding for model in models for coding in model.cells["coding"])
    figure, axes = plt.subplots(figsize=(5.6, 4.9), layout="constrained")
    for model in models:
        _draw(axes, model, scale, colours[model.name], shapes)
    axes.set_xscale("log")
    plain_log_ticks(axes.xaxis)
    axes.set_xlabel("file size (MB)", fontsize=11)
    names = " and ".join(cities)
    axes.set_ylabel(f"mAP (%), {_WORDS[queries]},\nmean of {names}", fontsize=11)
    axes.tick_params(labelsize=10)
    axes.margins(x=0.06, y=0.06)
    handles = [
        *(Line2D([], [], color=hue, linewidth=4, label=name) for name, hue in colours.items()),
        Line2D([], [], color=GREY, marker="*", markersize=11, linestyle="", label="uncompressed"),
        *(
            Line2D([], [], color=GREY, marker=shape, markersize=7, linestyle="", label=name)
            for name, shape in shapes.items()
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=10)
    return figure
