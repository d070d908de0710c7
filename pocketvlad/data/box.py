"""Boxes in images: a query's part of a photograph."""

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""x1, y1 of the upper left corner and x2, y2 of the lower right one, in pixels."""

SLACK = 5
"""Pixels that a box may reach outside of its image without a word: people and programs round."""


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


def reaches_outside(box: Sequence[float], width: int, height: int) -> bool:
    """Whether a box ends so far beside its image that it may be meant for another one, or for
    another size of it. What lies outside is cut off.

    >>> reaches_outside((-1, 0, 641.5, 480), 640, 480)
    False
    >>> reaches_outside((10, 10, 20000, 200), 640, 480)
    True
    """
    x1, y1, x2, y2 = box
    return max(-x1, -y1, x2 - width, y2 - height) > SLACK
