"""Texts, tables and pictures as files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pocketvlad.util.atomic import replacing

if TYPE_CHECKING:
    import pandas as pd


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


def six_digits(value: float) -> str:
    """A number with six digits, or with as many as its whole part has.

    >>> six_digits(57.12345678), six_digits(16777216.5)
    ('57.1235', '16777216.5')
    """
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.12g}"


def write_csv(
    path: Path | str,
    table: pd.DataFrame,
    float_format: Callable[[float], str] | None = six_digits,
) -> None:
    """Write a table without its index, likewise. Of a name that is no UTF-8, bytes are written as
    Python does.

    Args:
        float_format: None for all digits.
    """
    with replacing(Path(path)) as unfinished:
        table.to_csv(unfinished, index=False, float_format=float_format, errors="backslashreplace")


def picture_bytes(save: Callable[[BinaryIO], object]) -> bytes:
    """A picture as the content of a file, for Python to write: Pillow itself takes a write that a
    full disk has cut short for a whole one.

    Args:
        save: writes it to a file that is open, as `savefig` of matplotlib's figures does, and
            `save` of Pillow's images; it has to know the format.
    """
    content = BytesIO()
    save(content)
    return content.getvalue()


def write_picture(path: Path | str, save: Callable[[BinaryIO], object]) -> None:
    """Write a picture, likewise; `save` as for `picture_bytes`."""
    with replacing(Path(path)) as unfinished:
        unfinished.write_bytes(picture_bytes(save))
