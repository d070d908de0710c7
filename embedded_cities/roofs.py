"""Roofs with dormers, and chimneys."""

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.mesh import Mesh, place, raised
from embedded_cities.parts import cornice
from embedded_cities.shapes import (
    block,
    cone,
    grow,
    lid,
    loft,
    merge,
    panel,
    prism,
    rectangle,
    turned,
)


def mansard(
    kit: Kit,
    outline: np.ndarray,
    z: float,
    height: float = 4.5,
    inset: float = 1.6,
    dormer_step: float = 3.5,
    top: float = 1.2,
) -> Mesh:
    """A steep roof with dormers and a shallow top, over a rectangle."""
    inner = grow(outline, -inset)
    parts = [
        loft(outline, z, inner, z + height, kit.tiles),
        loft(inner, z + height, grow(inner, -2.0), z + height + top, kit.of("zinc")),
        lid(grow(inner, -2.0), z + height + top, kit.of("zinc")),
    ]
    dormer = raised(_dormer(kit, inset, height), z)
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        length = np.linalg.norm(end - start)
        count = int(length / dormer_step)
        along = (end - start) / length
        turn = np.arctan2(along[1], along[0])
        for i in range(count):
            foot = start + along * length * (i + 0.5) / count
            parts.append(place(dormer, *foot, turn))
    return merge(parts)


def _dormer(kit: Kit, inset: float, height: float) -> Mesh:
    size, tall = 1.5, height * 0.62
    shed = rectangle(0, 0.35 + inset / 2, size, inset)
    return merge(
        prism(shed, 0.4, tall + 0.4, kit.of(kit.roof)),
        cone(grow(shed, 0.15), tall + 0.4, tall + 1.1, kit.of("zinc")),
        panel((0, 0.32, 0.4), 0, size, tall, kit("small")),
    )


def chimney(kit: Kit, x: float, y: float, z: float, height: float, width: float = 1.6) -> Mesh:
    """A chimney stack with pots."""
    stack = rectangle(x, y, width, 0.8)
    pots = [
        turned(x + d * width, y, [(0.16, z + height), (0.13, z + height + 0.7)], kit.of("tile"), 5)
        for d in (-0.3, 0, 0.3)
    ]
    return merge(
        block(stack, z, z + height, kit("plain")),
        cornice(kit, stack, z + height - 0.3, 0.12, 0.25),
        pots,
    )
