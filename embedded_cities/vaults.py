"""Curved openings: a wall on an arch, and a barrel roof with its end walls."""

from itertools import pairwise

import numpy as np

from embedded_cities.mesh import Mesh, faces, join

_SEGMENTS = 12


def _half_circle(radius: float, z: float, flatten: float = 1.0) -> np.ndarray:
    """Points (N, 2) of an arch from left to right: x and height."""
    angle = np.linspace(np.pi, 0, _SEGMENTS + 1)
    return np.column_stack([np.cos(angle) * radius, z + np.sin(angle) * radius * flatten])


def arched_wall(
    width: float, depth: float, spring: float, top: float, texture: int, rise: float = 1.0
) -> Mesh:
    """The wall over an arch that spans `width` around x = 0, from its curve up to `top`.

    The arch begins at height `spring`; rise is its height over half its width.  The wall is
    `depth` thick around y = 0, and the underside of the arch is part of it.
    """
    y, walls, soffit = depth / 2, [], []
    for (x0, z0), (x1, z1) in pairwise(_half_circle(width / 2, spring, rise)):
        front = np.array([[x0, -y, z0], [x1, -y, z1], [x1, -y, top], [x0, -y, top]])
        walls += [front, (front * (1, -1, 1))[[1, 0, 3, 2]]]
        soffit.append([[x0, y, z0], [x1, y, z1], [x1, -y, z1], [x0, -y, z0]])
    segment = width / _SEGMENTS / 4
    return join(
        [
            faces(np.array(walls), texture, (segment, (top - spring) / 6)),
            faces(np.array(soffit), texture, (segment, depth / 4)),
        ]
    )


def barrel(length: float, radius: float, z: float, texture: int) -> Mesh:
    """A half-round roof along y, closed at both ends; its texture has bays of 3.5 x 4 metres."""
    y, curve = length / 2, _half_circle(radius, z)
    roof, ends, sizes = [], [], []
    for (x0, z0), (x1, z1) in pairwise(curve):
        roof.append([[x0, y, z0], [x0, -y, z0], [x1, -y, z1], [x1, y, z1]])
        end = np.array([[x0, -y, z], [x1, -y, z], [x1, -y, z1], [x0, -y, z0]])
        ends += [end, (end * (1, -1, 1))[[1, 0, 3, 2]]]
        sizes += 2 * [[(x1 - x0) / 3.5, (z1 - z) / 4 + 0.01]]
    return join(
        [
            faces(np.array(roof), texture, (length / 3.5, radius * np.pi / _SEGMENTS / 4)),
            faces(np.array(ends), texture, np.array(sizes)),
        ]
    )
