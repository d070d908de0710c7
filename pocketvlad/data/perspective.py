"""A picture as from another place: its corners moved inwards."""

import numpy as np
from PIL import Image

_CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float64)  # x, y; clockwise
_INWARDS = 1 - 2 * _CORNERS


def perspective(source: np.ndarray, side: int) -> np.ndarray:
    """The eight coefficients a ... h of the map from a square onto the quadrangle `source`.

    A point (x, y) of the square goes to ((ax + by + c) / w, (dx + ey + f) / w), w = gx + hy + 1.

    Args:
        source: [4, 2], where the square's corners go, clockwise from (0, 0), in pixels.
    """
    rows, wanted = [], []
    for (x, y), (u, v) in zip(side * _CORNERS, source, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        wanted += [u, v]
    return np.linalg.solve(np.array(rows), np.array(wanted))


def corners_moved_in(picture: Image.Image, moves: np.ndarray) -> Image.Image:
    """The quadrangle within a square picture, stretched to the whole of it.

    Args:
        moves: [4, 2], 0 to 0.5: how far each corner moves inwards, in shares of the side.
    """
    side = picture.width
    source = side * (_CORNERS + _INWARDS * moves)
    return picture.transform(
        picture.size,
        Image.Transform.PERSPECTIVE,
        perspective(source, side).tolist(),
        Image.Resampling.BICUBIC,
    )
