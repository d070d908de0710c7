"""What a training picture goes through, so that few pictures teach more."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pocketvlad.images import INTERPOLATIONS, ImageError


@dataclass(frozen=True)
class Augmentation:
    """`size`: side of the square training crop in pixels. `crop`: smallest share of the shorter
    side that is kept (1: the whole). `colour`: how far brightness, contrast and the balance of
    the channels may move (0: not at all, 0.3: by up to 30 %)."""

    size: int
    crop: float
    colour: float


def augmented_image(
    path: Path, augmentation: Augmentation, interpolation: str, generator: np.random.Generator
) -> np.ndarray:
    """A random square crop of the file, its colours moved at random.

    Returns:
        [size, size, 3] uint8, RGB.
    """
    # Drawn before anything is decoded: the same draws whatever the file holds.
    share = generator.uniform(augmentation.crop, 1)
    left, top = generator.uniform(0, 1, size=2)
    gain = 1 + augmentation.colour * generator.uniform(-1, 1, size=3) / 2
    brightness, contrast = 1 + augmentation.colour * generator.uniform(-1, 1, size=2)
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * augmentation.size, 2 * augmentation.size))
            picture = image.convert("RGB")
    except OSError as error:
        raise ImageError(f"{path}: {error}") from None
    side = share * min(picture.size)
    x, y = left * (picture.width - side), top * (picture.height - side)
    cropped = picture.resize(
        (augmentation.size, augmentation.size),
        INTERPOLATIONS[interpolation],
        box=(x, y, x + side, y + side),
    )
    pixels = np.asarray(cropped, dtype=np.float32)
    mean = pixels.mean()
    moved = ((pixels - mean) * contrast + mean) * (brightness * gain)
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)
