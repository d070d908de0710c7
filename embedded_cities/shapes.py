"""Plain solids as faces: prisms, lofts, turned shapes, roofs.  Metres; buildings face -y.

Outlines are (N, 2), convex, counter-clockwise seen from above.
"""

from itertools import pairwise

import numpy as np

from embedded_cities.mesh import Mesh, faces, join

TILE = 4.0
"""Metres covered by one repeat of a plain surface."""


def rectangle(x: float, y: float, width: float, depth: float) -> np.ndarray:
    """An outline around the centre (x, y), front edge first."""
    a, b = width / 2, depth / 2
    return np.array([[x - a, y - b], [x + a, y - b], [x + a, y + b], [x - a, y + b]])


def ngon(x: float, y: float, radius: float, sides: int) -> np.ndarray:
    """A regular outline; its first edge faces the front."""
    angle = -np.pi / 2 + (np.arange(sides) - 0.5) * 2 * np.pi / sides
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def grow(outline: np.ndarray, distance: float) -> np.ndarray:
    """The outline with every edge moved outwards."""
    edge = np.roll(outline, -1, axis=0) - outline
    normal = np.stack([edge[:, 1], -edge[:, 0]], axis=1)
    normal = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    before = np.roll(normal, 1, axis=0)
    both = normal + before
    return outline + distance * both / (1 + (normal * before).sum(axis=1, keepdims=True))


def loft(
    low: np.ndarray,
    z0: float,
    high: np.ndarray,
    z1: float,
    texture: int,
    bay: float = TILE,
    rows: float | None = None,
    bays: int | None = None,
) -> Mesh:
    """Walls between two outlines with equally many corners; `high` may shrink to a point.

    bay: metres of one texture repeat along an edge, rounded to whole bays, unless `bays` gives
    their number.  rows: repeats over the height; by default one for each `TILE` of the slope.
    """
    next_low, next_high = np.roll(low, -1, axis=0), np.roll(high, -1, axis=0)
    corners = np.zeros((len(low), 4, 3))
    for i, (outline, z) in enumerate(((low, z0), (next_low, z0), (next_high, z1), (high, z1))):
        corners[:, i, :2], corners[:, i, 2] = outline, z
    length = np.linalg.norm(next_low - low, axis=1)
    across = np.maximum(np.rint(length / bay), 1) if bays is None else np.full(len(low), bays)
    if rows is None:
        middle = np.linalg.norm((high + next_high - low - next_low) / 2, axis=1)
        repeat = np.stack([length / bay, np.hypot(middle, z1 - z0) / TILE], axis=1)
    else:
        repeat = np.stack([across, np.full(len(low), rows)], axis=1)
    return faces(corners, texture, repeat)


def prism(
    outline: np.ndarray,
    z0: float,
    z1: float,
    texture: int,
    bay: float = TILE,
    rows: float | None = None,
    bays: int | None = None,
) -> Mesh:
    """Upright walls around an outline; see loft."""
    return loft(outline, z0, outline, z1, texture, bay, rows, bays)


def lid(outline: np.ndarray, z: float, texture: int) -> Mesh:
    """A level face over an outline of at least three corners."""
    points = np.column_stack([outline, np.full(len(outline), z)])
    pieces = []
    for i in range(1, len(points) - 1, 2):
        pieces.append(points[[0, i, i + 1, min(i + 2, len(points) - 1)]])
    corners = np.stack(pieces)
    size = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    reach = np.linalg.norm(corners[:, 2] - corners[:, 1], axis=1)
    return faces(corners, texture, np.stack([size, np.maximum(reach, 0.1)], axis=1) / TILE)


def block(
    outline: np.ndarray,
    z0: float,
    z1: float,
    texture: int,
    top: int | None = None,
    bay: float = TILE,
    rows: float | None = None,
    bays: int | None = None,
) -> Mesh:
    """A prism with a flat top."""
    walls = prism(outline, z0, z1, texture, bay, rows, bays)
    return join([walls, lid(outline, z1, texture if top is None else top)])


def turned(
    x: float,
    y: float,
    profile: list[tuple[float, float]],
    texture: int,
    sides: int = 12,
    bays: int | None = None,
) -> Mesh:
    """A solid of revolution around (x, y) from a profile of (radius, z), lowest first."""
    parts = []
    for (r0, z0), (r1, z1) in pairwise(profile):
        low, high = ngon(x, y, max(r0, 0.02), sides), ngon(x, y, max(r1, 0.02), sides)
        parts.append(loft(low, z0, high, z1, texture, rows=None if bays is None else 1, bays=bays))
    return join(parts)


def cone(outline: np.ndarray, z0: float, z1: float, texture: int, bay: float = TILE) -> Mesh:
    """A pyramid or spire over an outline."""
    tip = np.broadcast_to(outline.mean(axis=0), outline.shape)
    return loft(outline, z0, tip, z1, texture, bay)


def gable(
    x: float,
    y: float,
    width: float,
    depth: float,
    z: float,
    rise: float,
    roof: int,
    wall: int,
    along_x: bool = True,
    over: float = 0.4,
) -> Mesh:
    """A pitched roof with gable ends; the ridge runs along x or y."""
    length, span = (width, depth) if along_x else (depth, width)
    a, b = length / 2, span / 2
    drop = rise * over / b
    slopes = np.array(
        [
            [
                [-a - over, -b - over, z - drop],
                [a + over, -b - over, z - drop],
                [a + over, 0, z + rise],
                [-a - over, 0, z + rise],
            ],
            [
                [a + over, b + over, z - drop],
                [-a - over, b + over, z - drop],
                [-a - over, 0, z + rise],
                [a + over, 0, z + rise],
            ],
        ]
    )
    ends = np.array(
        [
            [[-a, b, z], [-a, -b, z], [-a, 0, z + rise], [-a, 0, z + rise]],
            [[a, -b, z], [a, b, z], [a, 0, z + rise], [a, 0, z + rise]],
        ]
    )
    if not along_x:
        for corners in (slopes, ends):
            corners[..., 0], corners[..., 1] = -corners[..., 1], corners[..., 0].copy()
    move = np.array([x, y, 0.0])
    return join(
        [
            faces(slopes + move, roof, (length / TILE, np.hypot(b, rise) / TILE)),
            faces(ends + move, wall, (span / TILE, rise / TILE)),
        ]
    )


def hip(x: float, y: float, width: float, depth: float, z: float, rise: float, roof: int) -> Mesh:
    """A hipped roof; the ridge runs along the longer side."""
    inset = min(width, depth) / 2 - 0.05
    top = rectangle(x, y, width - 2 * inset, depth - 2 * inset)
    return loft(rectangle(x, y, width, depth), z, top, z + rise, roof)


def panel(
    centre: tuple[float, float, float],
    facing: float,
    width: float,
    height: float,
    texture: int,
    repeat: tuple[float, float] = (1, 1),
) -> Mesh:
    """An upright rectangle; `centre` is the middle of its lower edge.

    facing: radians counter-clockwise from the front (-y), so pi / 2 looks towards +x.
    """
    right = np.array([np.cos(facing), np.sin(facing), 0.0]) * width / 2
    base, top = np.asarray(centre, float), np.array([0, 0, height])
    corners = np.stack([base - right, base + right, base + right + top, base - right + top])
    return faces(corners[None], texture, repeat)


def merge(*parts: Mesh | list[Mesh]) -> Mesh:
    """All parts, which may be lists, as one mesh."""
    flat = [m for p in parts for m in (p if isinstance(p, list) else [p])]
    return join(flat)
