"""What a training picture goes through, so that few pictures teach more."""

from pathlib import Path

import numpy as np

from pocketvlad.data.box import Box
from pocketvlad.data.image_file import ImageFile
from pocketvlad.data.images import RESAMPLINGS, clipped
from pocketvlad.data.perspective import corners_moved_in
from pocketvlad.data.settings import Augmentation


def augmented_image(
    path: Path,
    augmentation: Augmentation,
    interpolation: str,
    generator: np.random.Generator,
    box: Box | None = None,
    upright: bool = False,
) -> np.ndarray:
    """A random square crop of the file, or of the box in it, its colours moved at random.

    Where the settings say so, it is seen in a random perspective, and a part of it is hidden.

    Args:
        upright: see `images.load_image`.

    Returns:
        [S, S, 3] uint8, RGB.
    """
    # Drawn before anything is decoded: the same draws whatever the file holds.
    share = generator.uniform(augmentation.crop, 1)
    left, top = generator.uniform(0, 1, size=2)
    gain = 1 + augmentation.colour * generator.uniform(-1, 1, size=3) / 2
    brightness, contrast = 1 + augmentation.colour * generator.uniform(-1, 1, size=2)
    with ImageFile(path, upright) as image:
        whole = image.size
        region = (0, 0, *whole) if box is None else clipped(path, box, whole)
        if box is None:
            image.draft(2 * augmentation.image_size, 2 * augmentation.image_size)
        picture = image.pixels()
    scale = picture.width / whole[0]  # the decoder may have made it smaller
    x1, y1, x2, y2 = (scale * edge for edge in region)
    side = share * min(x2 - x1, y2 - y1)
    x, y = x1 + left * (x2 - x1 - side), y1 + top * (y2 - y1 - side)
    cropped = picture.resize(
        (augmentation.image_size, augmentation.image_size),
        RESAMPLINGS[interpolation],
        box=(x, y, min(x + side, picture.width), min(y + side, picture.height)),
    )
    if augmentation.perspective:
        moves = augmentation.perspective * generator.uniform(0, 1, size=(4, 2))
        cropped = corners_moved_in(cropped, moves)
    pixels = np.asarray(cropped, dtype=np.float32)
    mean = pixels.mean()
    moved = np.clip(((pixels - mean) * contrast + mean) * (brightness * gain), 0, 255)
    if augmentation.erasing:
        _erase(moved, augmentation.erasing, generator)
    return np.rint(moved).astype(np.uint8)


def _erase(pixels: np.ndarray, most: float, generator: np.random.Generator) -> None:
    """Hide a rectangle of [S, S, 3] behind the mean colour (Zhong et al., AAAI 2020); in place.

    Args:
        most: its largest area, in shares of the picture's.
    """
    side = len(pixels)
    area, aspect = generator.uniform(0, most), np.exp(generator.uniform(-1, 1))
    height, width = (
        min(side, round(side * root)) for root in (np.sqrt(area * aspect), np.sqrt(area / aspect))
    )
    top, left = (generator.integers(side - each + 1) for each in (height, width))
    pixels[top : top + height, left : left + width] = pixels.mean(axis=(0, 1))
