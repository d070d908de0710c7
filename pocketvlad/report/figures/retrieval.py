"""The retrieval sheet: queries with their boxes, and what each of several models found first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import fill

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from PIL import Image

from pocketvlad.data.dataset import Dataset
from pocketvlad.data.image_file import ImageFile
from pocketvlad.data.protocols import protocol_named
from pocketvlad.data.query import Query
from pocketvlad.report.retrieval_changes import BROKEN, KEPT, MENDED, verdict
from pocketvlad.util.whole_file import write_picture

SHOWN = 5
_DPI = 120
# In hundredths of an inch.
_QUERY, _NAMES, _WIDTH, _HEIGHT = 270, 150, 158, 112
_CAPTION, _GAP, _HEAD, _TITLE = 19, 10, 28, 58
_ROW = _HEIGHT + _CAPTION + _GAP
# Of each verdict: the frame's colour, line and hatching. Grey print keeps line and hatching; the
# word stands under each picture.
_FRAMES = {
    "good": {"edgecolor": "#0173b2", "linewidth": 3.2, "linestyle": "-"},
    "ok": {"edgecolor": "#0173b2", "linewidth": 2.4, "linestyle": (0, (3, 1.5))},
    "junk": {"edgecolor": "0.6", "linewidth": 1.6, "linestyle": (0, (1, 1.5))},
    "wrong": {"edgecolor": "#d55e00", "linewidth": 1.2, "linestyle": "-", "hatch": "////"},
}
_WORDS = {
    BROKEN: "broken by compression",
    MENDED: "mended by compression",
    KEPT: "much the same",
}


@dataclass(frozen=True)
class Ranked:
    """A model on a data set. name: lines of text. precision: average precision in % of each
    query; top: image names, the best first."""

    name: str
    precision: dict[str, float]
    top: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path, name: str) -> "Ranked":
        """From a JSON row of scores.

        Raises:
            ValueError: the row has no answers: an older version made it. Names the file.
        """
        row = json.loads(path.read_text(encoding="utf-8"))
        if "top" not in row:
            raise ValueError(f"{path} does not say what was found; delete it and run again")
        scores = {query: 100 * value for query, value in row["average_precision"].items()}
        return cls(name, scores, row["top"])


def _thumbnail(path: Path, upright: bool, width: float, height: float) -> Image.Image:
    """The picture, as many pixels as the sheet can show."""
    size = (round(width * _DPI / 100), round(height * _DPI / 100))
    with ImageFile(path, upright) as image:
        image.draft(max(size), max(size))  # at least so large, however it is turned
        picture = image.pixels()
    picture.thumbnail(size, Image.Resampling.LANCZOS)
    return picture


def _place(
    axes: Axes, picture: Image.Image, left: float, top: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """Draw `picture` in the middle of a field; (left, top, width, height) of what it covers."""
    scale = min(width / picture.width, height / picture.height)
    covered = picture.width * scale, picture.height * scale
    left, top = left + (width - covered[0]) / 2, top + (height - covered[1]) / 2
    extent = (left, left + covered[0], top + covered[1], top)
    axes.imshow(np.asarray(picture), extent=extent, interpolation="antialiased", zorder=2)
    return left, top, *covered


def _draw_query(axes: Axes, dataset: Dataset, folder: Path, query: Query, top: float) -> None:
    height = 3 * _ROW - 2 * _GAP
    picture = _thumbnail(folder / f"{query.image}.jpg", dataset.upright, _QUERY, height)
    height = min(height, picture.height * _QUERY / picture.width)  # at the top of its field
    left, top, width, height = _place(axes, picture, 0, top, _QUERY, height)
    if query.box is None:
        return
    scale = width / dataset.size_of(query.image)[0]
    x1, y1, x2, y2 = (edge * scale for edge in query.box)
    place = (left + x1, top + y1)
    for color, line in (("black", 3.5), ("#ffd800", 2.0)):
        box = Rectangle(place, x2 - x1, y2 - y1, fill=False, color=color, lw=line, zorder=3)
        axes.add_patch(box)


def _draw_answer(
    axes: Axes,
    path: Path,
    upright: bool,
    found: str,
    word: str,
    rank: int,
    left: float,
    top: float,
) -> None:
    """An answer; `found` is its verdict, `word` what readers call it."""
    picture = _thumbnail(path, upright, _WIDTH - 24, _HEIGHT - 12)
    covered = _place(axes, picture, left + 12, top + 6, _WIDTH - 24, _HEIGHT - 12)
    looks = dict(_FRAMES[found])
    frame = Rectangle(
        (covered[0] - 5, covered[1] - 5),
        covered[2] + 10,
        covered[3] + 10,
        facecolor="white",
        zorder=1,
        **looks,
    )
    axes.add_patch(frame)
    axes.text(
        left + _WIDTH / 2,
        top + _HEIGHT + 4,
        f"{rank} {word}",
        ha="center",
        va="top",
        fontsize=7.5,
        fontweight="bold" if found == "wrong" else "normal",
    )


def _draw_block(
    axes: Axes,
    dataset: Dataset,
    folder: Path,
    query: Query,
    outcome: str,
    models: Sequence[Ranked],
    top: float,
) -> None:
    """One query: its picture, and a row a model."""
    axes.plot([0, axes.get_xlim()[1]], [top, top], color="0.6", linewidth=0.8)
    precision = " → ".join(f"{model.precision[query.name]:.0f}" for model in models)
    axes.text(0, top + 8, query.name, va="top", fontsize=10, fontweight="bold", parse_math=False)
    axes.text(
        _QUERY + 15, top + 8, f"{_WORDS[outcome]}; AP in %: {precision}", va="top", fontsize=10
    )
    top += _HEAD
    _draw_query(axes, dataset, folder, query, top)
    for model in models:
        axes.text(
            _QUERY + 15,
            top + _HEIGHT / 2,
            "\n".join(fill(line, 24) for line in model.name.splitlines())
            + f"\nAP {model.precision[query.name]:.1f} %",
            va="center",
            fontsize=8,
            parse_math=False,
        )
        for place, image in enumerate(model.top[query.name][:SHOWN]):
            found = verdict(query, image)
            word = protocol_named(dataset.protocol).word(found)
            left = _QUERY + _NAMES + place * _WIDTH
            path = folder / f"{image}.jpg"
            _draw_answer(axes, path, dataset.upright, found, word, place + 1, left, top)
        top += _ROW


def retrieval_sheet(
    dataset: Dataset,
    folder: Path,
    queries: Sequence[tuple[str, str]],
    models: Sequence[Ranked],
    title: str,
    output: Path,
) -> None:
    """Write a JPEG: a block a query, its picture with the box, a row a model.

    Args:
        folder: with the images of `dataset`.
        queries: (name, outcome) of those to show, in order.
        models: the base model first.
        title: lines of text.
    """
    width = _QUERY + _NAMES + SHOWN * _WIDTH
    block = _HEAD + len(models) * _ROW + _GAP
    height = _TITLE + block * len(queries)
    margin = 15
    figure = plt.figure(figsize=((width + 2 * margin) / 100, (height + 2 * margin) / 100))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-margin, width + margin), ylim=(height + margin, -margin), aspect="equal")
    axes.axis("off")
    axes.set_autoscale_on(False)
    axes.text(0, 0, title, va="top", fontsize=10.5, linespacing=1.4, parse_math=False)
    by_name = {query.name: query for query in dataset.queries}
    for place, (name, outcome) in enumerate(queries):
        top = _TITLE + place * block
        _draw_block(axes, dataset, folder, by_name[name], outcome, models, top)
    coding = {"quality": 84, "optimize": True}
    form = output.suffix[1:]
    write_picture(output, partial(figure.savefig, format=form, dpi=_DPI, pil_kwargs=coding))
    plt.close(figure)
