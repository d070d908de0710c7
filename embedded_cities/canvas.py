"""A drawing surface for textures: colour, relief, glass and holes painted through masks.

Coordinates are metres, x to the right and y upwards from the lower left corner.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedded_cities.materials import metres, surface
from embedded_cities.texels import CHANNELS, GLASS, LAMP, OPACITY, SLOPE_X, SLOPE_Y

Colour = tuple[float, float, float]

FINE = 2
"""Canvas pixels a side for each texel, so that edges come out smooth."""
SLOPE_UNIT = 1.5
"""The steepest relief slope that a texel can hold."""


class Canvas:
    """A picture under way.

    size: (width, height) metres.  x, y: (H, W) metres.  colour: (H, W, 3) linear.
    relief: (H, W) metres outwards.  glass, lamp, opacity: (H, W) in 0..1.
    """

    def __init__(
        self,
        material: str,
        size: tuple[float, float],
        shape: tuple[int, int],
        rng: np.random.Generator,
    ):
        fine = (shape[0] * FINE, shape[1] * FINE)
        self.size, self.rng = size, rng
        self.x, self.y = metres(fine, size)
        self.colour, self.relief = surface(material, fine, size, rng)
        self.glass, self.lamp = np.zeros(fine), np.zeros(fine)
        self.opacity = np.ones(fine)

    def box(self, left: float, right: float, low: float, high: float) -> np.ndarray:
        """Mask (H, W) of an upright rectangle."""
        return (self.x >= left) & (self.x < right) & (self.y >= low) & (self.y < high)

    def disc(self, x: float, y: float, radius: float) -> np.ndarray:
        """Mask (H, W) of a disc."""
        return np.hypot(self.x - x, self.y - y) < radius

    def arch(
        self, x: float, width: float, low: float, spring: float, point: float = 0.5
    ) -> np.ndarray:
        """Mask (H, W) of an opening with an arched head.

        point: radius of the two arcs over the width: 0.5 is round, 1 equilateral, 0 flat.
        """
        shaft = self.box(x - width / 2, x + width / 2, low, spring)
        if point == 0:
            return shaft
        radius, rise = point * width, self.y - spring
        shift = radius - width / 2
        left = np.hypot(self.x - x - shift, rise) < radius
        right = np.hypot(self.x - x + shift, rise) < radius
        return shaft | (left & right & (rise >= 0))

    def paint(
        self,
        mask: np.ndarray,
        colour: np.ndarray | tuple[float, float, float] | None = None,
        relief: float | None = None,
        glass: float = 0.0,
        lamp: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Set what is inside the mask; colour and relief stay as they are where None."""
        if colour is not None:
            grain = 1 + 0.05 * self.rng.standard_normal(self.x.shape)[mask][:, None]
            self.colour[mask] = np.clip(np.asarray(colour) * grain, 0, 1)
        if relief is not None:
            self.relief[mask] = relief
        self.glass[mask], self.lamp[mask], self.opacity[mask] = glass, lamp, opacity

    def texels(self) -> np.ndarray:
        """The finished texture (H, W, 8) uint8; corners and recesses of the relief are darker."""
        step = self.size[0] / self.x.shape[1]
        around = sum(np.roll(self.relief, s, axis) for axis in (0, 1) for s in (-9, -4, 4, 9)) / 8
        shade = np.clip(1 - 2.2 * np.clip(around - self.relief, 0, 0.25), 0.4, 1)
        slope_x = (np.roll(self.relief, 1, 1) - np.roll(self.relief, -1, 1)) / (2 * step)
        slope_y = (np.roll(self.relief, -1, 0) - np.roll(self.relief, 1, 0)) / (2 * step)
        out = np.empty((*self.x.shape, CHANNELS))
        # Colours inside holes bleed into smaller levels, so they stay as painted there.
        out[..., :3] = np.sqrt(np.clip(self.colour * shade[..., None], 0, 1)) * 255
        out[..., OPACITY], out[..., GLASS] = self.opacity * 255, self.glass * 255
        out[..., LAMP] = self.lamp * 255
        for channel, slope in ((SLOPE_X, slope_x), (SLOPE_Y, slope_y)):
            out[..., channel] = 127.5 + 127.5 * np.clip(slope / SLOPE_UNIT, -1, 1)
        rows, columns = (n // FINE for n in self.x.shape)
        out = out.reshape(rows, FINE, columns, FINE, CHANNELS).mean(axis=(1, 3))
        return np.rint(out).astype(np.uint8)


@dataclass(frozen=True)
class Bay:
    """draw(canvas, trim colour) on a wall of size (width, height) metres and shape texels."""

    draw: Callable[[Canvas, Colour], None]
    size: tuple[float, float]
    shape: tuple[int, int]
