"""What all figures share: looks that survive a grey printer, and files that do not change."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

GREY = "0.35"
NO_WIDTH = "#d55e00"
"""The colour of cells that no bit width says the size of."""
_DPI = 160
# (n, 1, 0) is a star of n points; five are the base model's.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">", "d", (4, 1, 0), "h", (6, 1, 0))
_LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))


def use_style() -> None:
    """White, with a light grid; ids of SVG elements are made from what they name, not at random."""
    sns.set_theme(style="whitegrid", context="paper", palette="colorblind")
    plt.rcParams.update(
        {
            "svg.hashsalt": "pocketvlad",
            "figure.dpi": _DPI,  # the layout is made for what is written
            "axes.edgecolor": "0.6",
            "grid.color": "0.9",
            "legend.frameon": False,
            "axes.titlesize": 9.5,
        }
    )


def bit_colours(bits: Iterable[int]) -> dict[int, tuple[float, float, float]]:
    """A colour a bit width. More bits are darker, which tells them apart in grey, too."""
    ordered = sorted(set(bits))
    shades = sns.color_palette("viridis_r", 256)
    # The lightest tenth is lost on white paper.
    places = [round(60 + 175 * n / max(1, len(ordered) - 1)) for n in range(len(ordered))]
    return dict(zip(ordered, (shades[place] for place in places), strict=True))


def markers(names: Iterable[str]) -> dict[str, object]:
    """A marker's shape a name, in their order; the fifteenth name has the first one's again."""
    return {name: _MARKERS[n % len(_MARKERS)] for n, name in enumerate(dict.fromkeys(names))}


def line_styles(names: Iterable[str]) -> dict[str, object]:
    """A line style a name, in their order."""
    return {name: _LINES[n % len(_LINES)] for n, name in enumerate(dict.fromkeys(names))}


def save_figure(figure: Figure, paths: Iterable[Path | str]) -> None:
    """Write `figure` as each path's suffix says; the same figure gives the same bytes."""
    # The layout is the slow part: once for all forms.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for path in map(Path, paths):
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=_DPI, metadata=metadata)
    plt.close(figure)
