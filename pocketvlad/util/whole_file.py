"""Texts, tables and figures as files that are there whole or not at all."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pocketvlad.util.atomic import replacing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def write_text(path: Path | str, text: str) -> None:
    """Write `text` in UTF-8; a reader, or a run after a kill, sees the old file or the new one.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "answer.rst"
    >>> write_text(target, "26 times")
    >>> target.read_text()
    '26 times'
    """
    with replacing(Path(path)) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_csv(path: Path | str, table: pd.DataFrame, float_format: str | None = "%.6g") -> None:
    """Write a table without its index, likewise.

    Args:
        float_format: None for all digits.
    """
    with replacing(Path(path)) as unfinished:
        table.to_csv(unfinished, index=False, float_format=float_format)


def write_figure(path: Path | str, figure: Figure, form: str, **options: object) -> None:
    """Write a figure, likewise.

    Args:
        form: "png", "jpg", "svg" ...
        options: of matplotlib's `savefig`.
    """
    # Not by a library for pictures itself: of a disk that becomes full, Pillow does not hear that
    # only a part was written.
    content = BytesIO()
    figure.savefig(content, format=form, **options)
    with replacing(Path(path)) as unfinished:
        unfinished.write_bytes(content.getvalue())
