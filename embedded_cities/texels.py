"""All textures of a city in one flat array, with prefiltered smaller levels.

A texel has eight bytes: red, green, blue (square roots of the linear colour), opacity, glass
(how much of it is a pane), lamp (a random number of its window), and two slopes of the relief.
"""

from dataclasses import dataclass

import numpy as np

CHANNELS = 8
RED, OPACITY, GLASS, LAMP, SLOPE_X, SLOPE_Y = 0, 3, 4, 5, 6, 7
OPAQUE = 128
"""Opacity below which a texel is a hole."""


@dataclass(frozen=True)
class Texels:
    """Textures ready for sampling.

    data: (N,) uint64, eight bytes a texel.  offset: (T, L) start of each level.
    width_bits, height_bits, levels: (T,).  cutout: (T,) whether the texture has holes.
    """

    data: np.ndarray
    offset: np.ndarray
    width_bits: np.ndarray
    height_bits: np.ndarray
    levels: np.ndarray
    cutout: np.ndarray

    def sample(
        self, texture: np.ndarray, u: np.ndarray, v: np.ndarray, level: np.ndarray
    ) -> np.ndarray:
        """Texels (N, 8) uint8 at coordinates in repeats (v upwards), at a filter level (N,)."""
        level = np.clip(level, 0, self.levels[texture] - 1)
        wide = self.width_bits[texture] - level
        high = self.height_bits[texture] - level
        columns, rows = np.left_shift(1, wide), np.left_shift(1, high)
        column = np.floor(u * columns).astype(np.int32) & (columns - 1)
        row = np.floor(-v * rows).astype(np.int32) & (rows - 1)
        index = self.offset[texture, level] + (row << wide) + column
        return self.data.take(index).view(np.uint8).reshape(-1, CHANNELS)


def pyramid(image: np.ndarray) -> list[np.ndarray]:
    """The image (H, W, 8) uint8 and its halved copies, until one side is a single texel.

    Raises ValueError for another type, or sides that are not powers of two.
    """
    height, width, channels = image.shape
    powers = not height & (height - 1) and not width & (width - 1)
    if channels != CHANNELS or image.dtype != np.uint8 or not powers:
        raise ValueError(
            f"image: {image.shape} {image.dtype} is not allowed: give uint8 with {CHANNELS} "
            "channels and sides that are powers of two"
        )
    out = [image]
    level = image.astype(np.float32)
    while min(level.shape[:2]) > 1:
        level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
        out.append(np.rint(level).astype(np.uint8))
    return out


def pool(pyramids: list[list[np.ndarray]]) -> Texels:
    """Textures from their levels; see pyramid."""
    sizes = [[level.shape[0] * level.shape[1] for level in levels] for levels in pyramids]
    offset = np.zeros((len(pyramids), max(map(len, sizes))), np.int32)
    total = 0
    for row, counts in zip(offset, sizes, strict=True):
        row[: len(counts)] = total + np.cumsum([0, *counts[:-1]])
        total += sum(counts)
    data = np.concatenate([level.reshape(-1, CHANNELS) for levels in pyramids for level in levels])
    first = [levels[0] for levels in pyramids]
    return Texels(
        np.ascontiguousarray(data).view(np.uint64).ravel(),
        offset,
        np.array([i.shape[1].bit_length() - 1 for i in first], np.int32),
        np.array([i.shape[0].bit_length() - 1 for i in first], np.int32),
        np.array([len(levels) for levels in pyramids], np.int32),
        np.array([i[..., OPACITY].min() < OPAQUE for i in first]),
    )
