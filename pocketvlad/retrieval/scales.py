"""Describing images at several sizes."""

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.retrieval.describe import describe, require_sides
from pocketvlad.retrieval.picture import Picture


def describe_at_scales(
    function: Callable[[Tensor], Tensor],
    pictures: Sequence[Picture],
    sizing: Sizing,
    scales: Sequence[float],
    preprocessing: Preprocessing,
    batch_size: int,
    min_side: int,
    label: str = "describe",
) -> np.ndarray:
    """[N, D] The mean of the descriptors at each scale, unit length again.

    Args:
        function: preprocessed images [n, 3, H, W] -> unit-length descriptors [n, D].
        scales: multiples of the image size of `sizing`. Images are only ever made smaller: where
            one would be larger than its file, it is described as it is.
        min_side: pixels that `function` needs on either side of an image.

    Raises:
        ImageError: images are smaller than that at one of the scales; names all of them.
    """
    require_sides(pictures, sizing.scaled(min(scales)), min_side)
    total = 0
    for scale in scales:
        scaled = sizing.scaled(scale)
        total = total + describe(function, pictures, scaled, preprocessing, batch_size, label)
    if len(scales) == 1:
        return total
    return total / np.linalg.norm(total, axis=1, keepdims=True)
