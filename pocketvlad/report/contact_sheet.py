"""A query and what was found for it, in one picture."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pocketvlad.data.images import load_image
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.shown import shown
from pocketvlad.util.whole_file import write_picture

_SIZING = Sizing(320, "bilinear")
_CELL = 2.6  # inches
_COLUMNS = 6


def _format(file: Path) -> str:
    """By the suffix; a file without one is a PNG."""
    return file.suffix[1:].lower() or "png"


def require_format(file: Path) -> None:
    """Raises ValueError where matplotlib writes no format of the file's suffix; names the file."""
    known = FigureCanvasBase.get_supported_filetypes()
    if _format(file) not in known:
        raise ValueError(
            f"{file}: no figure ends in {file.suffix}; choose among {', '.join(known)}"
        )


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
    whole = load_image(query.path, _SIZING, upright=True)
    grid[0].imshow(whole)
    grid[0].set_title("query", fontsize=9, fontweight="bold")
    if query.box is not None:
        x1, y1, x2, y2 = (edge * whole.shape[1] / query.size[0] for edge in query.box)
        grid[0].add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color="gold", lw=2))
    for axes, (place, (path, score)) in zip(grid[1:], enumerate(answers, start=1), strict=False):
        axes.imshow(load_image(path, _SIZING, upright=True))
        # A name may have dollars, which are no mathematics.
        caption = f"{place}. {shown(path.name)}\n{score:.3f}"
        axes.set_title(caption, fontsize=8, parse_math=False)
    write_picture(output, partial(figure.savefig, format=_format(output), dpi=110))
