"""Classical parts: columns, porticos, pediments, drums, domes, steps."""

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.mesh import Mesh, faces, place
from embedded_cities.parts import cornice
from embedded_cities.shapes import block, grow, lid, merge, ngon, prism, rectangle, turned


def columns(
    kit: Kit, points: np.ndarray, z: float, height: float, radius: float, sides: int = 8
) -> Mesh:
    """A column with base and capital on each point (N, 2)."""
    profile = [(1.35, 0), (1.35, 0.04), (1.0, 0.06), (0.84, 0.92), (1.3, 0.97), (1.3, 1.0)]
    shaft = turned(0, 0, [(r * radius, z + h * height) for r, h in profile], kit.stone, sides)
    return merge([place(shaft, x, y) for x, y in points])


def row(x0: float, x1: float, y: float, count: int) -> np.ndarray:
    """Points (count, 2) evenly along a line of constant y."""
    return np.column_stack([np.linspace(x0, x1, count), np.full(count, y)])


def pediment(
    kit: Kit,
    x: float,
    y: float,
    width: float,
    z: float,
    rise: float,
    depth: float = 1.0,
    face: str = "plain",
) -> Mesh:
    """A triangular gable whose front is at y, with a roof going back by `depth`."""
    a = width / 2
    front = np.array([[[x - a, y, z], [x + a, y, z], [x, y, z + rise], [x, y, z + rise]]])
    edge, lift = 0.5, 0.45
    slopes = []
    for sign in (-1, 1):
        eave = np.array([x + sign * (a + edge), 0, z])
        ridge = np.array([x, 0, z + rise + lift])
        near, far = np.array([0, y - edge, 0]), np.array([0, y + depth, 0])
        quad = [eave + far, eave + near, ridge + near, ridge + far]
        slopes.append(quad if sign < 0 else [quad[1], quad[0], quad[3], quad[2]])
        # The raking cornice is a thin front strip that catches light and throws a shadow.
        low = eave + near - (0, 0, lift)
        strip = [low, eave + near, ridge + near, ridge + near - (0, 0, lift * 2)]
        slopes.append(strip if sign > 0 else [strip[1], strip[0], strip[3], strip[2]])
    return merge(
        faces(front, kit(face), (width / 3.5, max(1, rise / 3.5))),
        faces(np.array(slopes), kit.stone, (4, 1)),
    )


def portico(
    kit: Kit,
    x: float,
    y: float,
    width: float,
    depth: float,
    z: float,
    count: int,
    height: float,
    radius: float = 0.6,
    rise: float | None = None,
) -> Mesh:
    """Columns under an entablature and a pediment; its front row stands at y - depth."""
    front = y - depth
    points = [row(x - width / 2 + radius * 1.4, x + width / 2 - radius * 1.4, front, count)]
    if depth > 3:
        points.append(points[0][[0, -1]] + (0, depth / 2))
    beam = rectangle(x, front + depth / 2 - 0.2, width, depth + 1.2)
    top = z + height
    return merge(
        columns(kit, np.concatenate(points), z, height, radius),
        block(beam, top, top + 1.5, kit("frieze"), bay=4, rows=1),
        _underside(beam, top, kit.stone),
        cornice(kit, beam, top + 1.3, 0.4, 0.4),
        pediment(kit, x, front - 0.7, width, top + 1.7, rise or width * 0.2, depth, "relief"),
    )


def _underside(outline: np.ndarray, z: float, texture: int) -> Mesh:
    return lid(outline[::-1], z, texture)


def dome(
    kit: Kit,
    x: float,
    y: float,
    radius: float,
    z: float,
    height: float,
    sides: int = 16,
    lantern: float = 0.22,
    point: float = 0.0,
) -> Mesh:
    """A dome with an optional lantern of relative size `lantern`; point > 0 makes it onion-like."""
    angle = np.linspace(0, np.pi / 2 * (0.93 if lantern else 1.0), 7)
    swell = 1 + point * np.sin(2 * angle)
    profile = [
        (radius * np.cos(a) ** (1 + point) * s, z + height * np.sin(a))
        for a, s in zip(angle, swell, strict=True)
    ]
    parts = [turned(x, y, profile, kit.shell, sides)]
    if lantern:
        size, base = radius * lantern, profile[-1][1]
        parts += [
            turned(x, y, [(size, base - 0.3), (size, base + size * 2)], kit("louvre"), 8, bays=1),
            turned(
                x,
                y,
                [
                    (size * 1.3, base + size * 2),
                    (size * 0.9, base + size * 2.7),
                    (size * 0.25, base + size * 3.3),
                    (0.02, base + size * 4.8),
                ],
                kit.shell,
                8,
            ),
        ]
    return merge(parts)


def drum(
    kit: Kit,
    x: float,
    y: float,
    radius: float,
    z: float,
    height: float,
    bays: int,
    kind: str,
    ring: bool = False,
) -> Mesh:
    """A round wall with one window a side, optionally ringed by columns."""
    outline = ngon(x, y, radius, bays)
    parts = [
        prism(outline, z, z + height, kit(kind), rows=1, bays=1),
        cornice(kit, outline, z + height, 0.4, 0.6),
        lid(outline, z + height, kit.stone),
    ]
    if ring:
        wide = ngon(x, y, radius + 1.3, bays)
        parts += [
            columns(kit, wide, z, height - 0.8, 0.42, 6),
            prism(grow(wide, 0.4), z + height - 0.8, z + height, kit.stone),
            lid(grow(wide, 0.4), z + height, kit.stone),
            _underside(grow(wide, 0.4), z + height - 0.8, kit.stone),
        ]
    return merge(parts)


def steps(kit: Kit, x: float, y: float, width: float, height: float, count: int = 5) -> Mesh:
    """A flight of steps coming forward from y."""
    parts = []
    for i in range(count):
        out = 0.4 * (count - i)
        parts.append(
            block(
                rectangle(x, y - out / 2, width + out, out), 0, height * (i + 1) / count, kit.stone
            )
        )
    return merge(parts)
