"""The catalogue of facade textures: one bay of a storey each, in a wall and a trim material."""

import numpy as np

from embedded_cities.canvas import Canvas
from embedded_cities.gothic import GOTHIC
from embedded_cities.materials import MATERIALS
from embedded_cities.ornament import ORNAMENT
from embedded_cities.windows import WINDOWS

BAYS = {**WINDOWS, **GOTHIC, **ORNAMENT}


def bay(kind: str, wall: str, trim: str, rng: np.random.Generator) -> np.ndarray:
    """The texture (H, W, 8) uint8 of one bay.

    kind: a key of BAYS; wall, trim: keys of materials.MATERIALS.  Raises ValueError for others.
    """
    if kind not in BAYS:
        raise ValueError(f"kind: {kind!r} is not allowed: choose from {sorted(BAYS)}")
    design = BAYS[kind]
    canvas = Canvas(wall, design.size, design.shape, rng)
    design.draw(canvas, MATERIALS[trim].colour)
    return canvas.texels()
