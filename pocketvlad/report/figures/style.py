"""What all figures share: looks that survive a grey printer, and files that do not change."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from string import ascii_lowercase

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from pocketvlad.util.whole_file import write_picture

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


def _letters(number: int) -> str:
    """A name of letters a number from 0.

    >>> _letters(0), _letters(25), _letters(26)
    ('a', 'z', 'aa')
    """
    above, own = divmod(number, len(ascii_lowercase))
    return (_letters(above - 1) if above else "") + ascii_lowercase[own]


def _each(
    names: Iterable[str], looks: Sequence[object], further: Callable[[int], object]
) -> dict[str, object]:
    """A look of its own a name, in their order.

    Args:
        further: the looks after `looks`, by their number from 0.
    """
    distinct = list(dict.fromkeys(names))
    more = (further(number) for number in range(len(distinct) - len(looks)))
    return dict(zip(distinct, chain(looks, more), strict=False))


def markers(names: Iterable[str]) -> dict[str, object]:
    """A marker's shape a name, in their order. Where shapes run out, letters follow."""
    return _each(names, _MARKERS, lambda number: rf"$\mathrm{{{_letters(number)}}}$")


def line_styles(names: Iterable[str]) -> dict[str, object]:
    """A line style a name, in their order. Where the usual ones run out, a dash is followed by one
    dot more each time."""
    dots = _LINES[-1][1].count(1) // 2
    return _each(names, _LINES, lambda number: (0, (5, 1) + (1, 1) * (dots + 1 + number)))


def hues(names: Iterable[str]) -> dict[str, object]:
    """A hue a name, in their order."""
    distinct = list(dict.fromkeys(names))
    known = sns.color_palette("colorblind")
    # Neighbours of the larger palette are alike, but none comes twice.
    enough = known if len(distinct) <= len(known) else sns.color_palette("husl", len(distinct))
    return dict(zip(distinct, enough, strict=False))


def plain_log_ticks(axis: Axis) -> None:
    """Ticks at 1, 2 and 5 of each power of ten of a logarithmic axis, without exponents."""
    axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def save_figure(figure: Figure, paths: Iterable[Path | str]) -> None:
    """Write `figure` as each path's suffix says; the same figure gives the same bytes."""
    # The layout is the slow part: once for all forms.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for path in map(Path, paths):
        metadata = {"Date": None} if path.suffix == ".svg" else None
        form = path.suffix[1:]
        write_picture(path, partial(figure.savefig, format=form, dpi=_DPI, metadata=metadata))
    plt.close(figure)
