"""An image file, or a part of it, that is to be described. Free of torch."""

from dataclasses import dataclass
from pathlib import Path

from pocketvlad.data.images import Box, clip_box
from pocketvlad.data.settings import Sizing


@dataclass(frozen=True)
class Picture:
    """An image file, or the part of it within a box; `size` is the file's (width, height).

    upright: whether it is turned as the camera was held; size and box then refer to that.
    """

    path: Path
    size: tuple[int, int]
    box: Box | None = None
    upright: bool = False

    def shape(self, sizing: Sizing) -> tuple[int, int]:
        """(width, height) that `load_image` will give."""
        width, height = self.size
        if self.box is not None:
            x1, y1, x2, y2 = clip_box(self.box, width, height)
            width, height = x2 - x1, y2 - y1
        return sizing.fitted(width, height)


def too_small(picture: Picture, sizing: Sizing, min_side: int) -> str | None:
    """None, or what is wrong with a picture of which too few pixels are left for a network."""
    width, height = picture.shape(sizing)
    if min(width, height) >= min_side:
        return None
    return (
        f"{picture.path}: {width} x {height} pixels are left of it at {sizing.words}; the network "
        f"needs {min_side} on either"
    )
