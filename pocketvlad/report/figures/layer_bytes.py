"""Bytes per layer: two bars each, of the base model and of a compressed one."""

from textwrap import fill

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pocketvlad.report.figures.style import use_style
from pocketvlad.util.size import MEGABYTE

_HATCHES = {"backbone": "", "pooling": "xx", "projection": "//", "header": ".."}
_COLOURS = {"backbone": 0, "pooling": 2, "projection": 1, "header": 7}  # of the palette


def _unit(largest: float) -> tuple[float, str]:
    return (MEGABYTE, "MB") if largest >= MEGABYTE else (1000, "kB")


def _draw(axes: Axes, bytes_: pd.Series, parts: pd.Series, labels: list[str], title: str) -> None:
    size, unit = _unit(bytes_.max())
    palette = sns.color_palette("colorblind")
    bars = axes.barh(
        range(len(bytes_)),
        bytes_ / size,
        color=[palette[_COLOURS[part]] for part in parts],
        edgecolor="black",
        linewidth=0.5,
    )
    for bar, part in zip(bars, parts, strict=True):
        bar.set_hatch(_HATCHES[part])
    axes.bar_label(bars, labels, padding=3, fontsize=7.5)
    title = fill(title, 44)  # columns that a half of the figure has room for
    axes.set(title=title, xlabel=f"bytes in the file ({unit})", xlim=(0, 1.7 * bytes_.max() / size))
    axes.margins(y=0.02)
    axes.grid(axis="y", visible=False)


def layer_bytes_figure(table: pd.DataFrame, title: str, compressed: str) -> Figure:
    """Bars of the base model on the left, of the compressed one on the right, on its own scale.

    Args:
        table: as `layer_bytes.layer_bytes` gives it.
        title: of the whole.
        compressed: what the compressed model is, in words.
    """
    use_style()
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 0.27 * len(table) + 1.8), sharey=True, layout="constrained"
    )
    for axes, column, name in (
        (left, "base_bytes", "float32 base"),
        (right, "compressed_bytes", compressed),
    ):
        sizes = table[column]
        size, unit = _unit(sizes.sum())
        shares = [f"{100 * part / sizes.sum():.1f} %" for part in sizes]
        if axes is right:
            bits = table["bits_a_weight"]
            shares = [
                share if pd.isna(some) else f"{share}; {some:.1f} bits a weight"
                for share, some in zip(shares, bits, strict=True)
            ]
        _draw(axes, sizes, table["part"], shares, f"{name}: {sizes.sum() / size:.2f} {unit}")
    left.set_yticks(range(len(table)), table["layer"])
    left.invert_yaxis()
    parts = table["part"].unique()
    palette = sns.color_palette("colorblind")
    # Below: a network of many layers leaves no room beside its bars.
    figure.legend(
        handles=[
            Patch(
                facecolor=palette[_COLOURS[part]],
                edgecolor="black",
                linewidth=0.5,
                hatch=_HATCHES[part],
                label=part,
            )
            for part in parts
        ],
        loc="outside lower center",
        ncols=len(parts),
        fontsize=8,
        handlelength=3,
        handleheight=1.5,
    )
    figure.suptitle(title, fontsize=10)
    return figure
