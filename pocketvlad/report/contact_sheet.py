"""A query and what was found for it, in one picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pocketvlad.data.images import load_image
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.describe import Picture

_SIZING = Sizing(320, "bilinear")
_CELL = 2.6  # inches
_COLUMNS = 6


def contact_sheet(query: Picture, answers: Sequence[tuple[Path, float]], output: Path) -> None:
    """Write `query`, its box drawn in, and the `answers` (file, score) after it, best first.

    Raises:
        ImageError: an image cannot be decoded.
    """
    columns = min(_COLUMNS, 1 + len(answers))
    rows = -(-(1 + len(answers)) // columns)
    figure = Figure(figsize=(_CELL * columns, _CELL * rows), layout="constrained")
    grid = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for axes in grid:
        axes.axis("off")
    shown = load_image(query.path, _SIZING, upright=True)
    grid[0].imshow(shown)
    grid[0].set_title("query", fontsize=9, fontweight="bold")
    if query.box is not None:
        x1, y1, x2, y2 = (edge * shown.shape[1] / query.size[0] for edge in query.box)
        grid[0].add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color="gold", lw=2))
    for axes, (place, (path, score)) in zip(grid[1:], enumerate(answers, start=1), strict=False):
        axes.imshow(load_image(path, _SIZING, upright=True))
        axes.set_title(f"{place}. {path.name}\n{score:.3f}", fontsize=8)
    figure.savefig(output, dpi=110)
