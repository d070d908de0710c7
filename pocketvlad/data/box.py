"""Boxes in images: a query's part of a photograph."""

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""x1, y1 of the upper left corner and x2, y2 of the lower right one, in pixels."""


def box_text(box: Sequence[float]) -> str:
    """
    >>> box_text((0, 2.5, 900, 1e3))
    '0 2.5 900 1000'
    """
    return " ".join(f"{edge:g}" for edge in box)


def unfit_box(box: Sequence[float]) -> str | None:
    """None, or what is wrong with four numbers that are to be a box.

    >>> unfit_box((0, 0, 9, 9))
    >>> unfit_box((9, 0, 0, 9))
    'empty box 9 0 0 9: x2 must be more than x1, and y2 more than y1'
    """
    if len(box) != 4:
        return f"the box {box_text(box)} is not four numbers x1 y1 x2 y2"
    if not all(map(math.isfinite, box)):
        return f"the box {box_text(box)} is not finite; give x1 y1 x2 y2 in pixels"
    x1, y1, x2, y2 = box
    if not (x2 > x1 and y2 > y1):
        return f"empty box {box_text(box)}: x2 must be more than x1, and y2 more than y1"
    return None
