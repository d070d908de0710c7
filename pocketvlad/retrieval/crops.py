"""Random parts of pictures, which stand in for cropped queries."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pocketvlad.retrieval.picture import Picture


def random_crops(
    pictures: Sequence[Picture],
    count: int,
    seed: int,
    min_side: int,
    shares: tuple[float, float] = (0.5, 0.9),
) -> list[Picture]:
    """`count` crops of each picture, anywhere in it.

    Args:
        min_side: pixels that the network needs on either side. A picture of fewer stays whole.
        shares: the smallest and the largest share of each side; larger where a picture is small.

    Returns:
        the same crops for the same seed.
    """
    generator = np.random.default_rng(seed)
    crops = []
    for picture in pictures:
        width, height = picture.size
        needed = min(1.0, min_side / min(width, height))
        for _ in range(count):
            share = generator.uniform(*(max(share, needed) for share in shares))
            left, top = generator.uniform(0, 1 - share, size=2)
            box = (left * width, top * height, (left + share) * width, (top + share) * height)
            crops.append(replace(picture, box=box))
    return crops
