"""Parts of buildings: storeys, cornices, parapets, buttresses, towers, turrets, dials."""

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.mesh import Mesh, place
from embedded_cities.shapes import (
    block,
    cone,
    grow,
    lid,
    loft,
    merge,
    ngon,
    panel,
    prism,
    rectangle,
    turned,
)

Storey = tuple[float, str]
"""Height in metres and the kind of bay."""


def cornice(kit: Kit, outline: np.ndarray, z: float, out: float = 0.4, height: float = 0.5) -> Mesh:
    """A projecting moulding around an outline, closed above and below."""
    wide = grow(outline, out)
    return merge(
        loft(outline, z, wide, z + height * 0.4, kit.stone),
        prism(wide, z + height * 0.4, z + height, kit.stone),
        loft(wide, z + height, outline, z + height + 0.05, kit.stone),
    )


def storeys(
    kit: Kit,
    outline: np.ndarray,
    z: float,
    plan: list[Storey],
    bay: float = 3.5,
    bands: bool = True,
    out: float = 0.4,
) -> tuple[Mesh, float]:
    """Walls storey by storey with a band after each and a cornice at the top; also their top z."""
    parts = []
    for i, (height, kind) in enumerate(plan):
        parts.append(prism(outline, z, z + height, kit(kind), bay, rows=1))
        z += height
        if bands and i < len(plan) - 1:
            parts.append(cornice(kit, outline, z - 0.15, 0.18, 0.3))
    parts += [cornice(kit, outline, z, out), lid(outline, z + 0.3, kit.of("lead"))]
    return merge(parts), z + 0.5


def parapet(kit: Kit, outline: np.ndarray, z: float, kind: str, height: float = 1.2) -> Mesh:
    """A pierced wall along an outline: kind is crenel, balustrade or pierced."""
    width = {"crenel": 1.6, "balustrade": 4.0, "pierced": 4.0}[kind]
    return prism(outline, z, z + height, kit(kind), width, rows=1)


def pinnacles(kit: Kit, points: np.ndarray, z: float, height: float, size: float = 0.5) -> Mesh:
    """A small shaft with a pointed cap on each point (N, 2)."""
    parts = []
    for x, y in points:
        foot = rectangle(x, y, 2 * size, 2 * size)
        parts.append(prism(foot, z, z + height * 0.4, kit.stone))
        parts.append(cone(grow(foot, 0.12), z + height * 0.4, z + height, kit.stone))
    return merge(parts)


def buttresses(
    kit: Kit,
    start: tuple[float, float],
    end: tuple[float, float],
    count: int,
    height: float,
    out: float = 1.2,
    caps: bool = True,
) -> Mesh:
    """Stepped piers along a wall from start to end, to the right of that direction."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    turn = np.arctan2(b[1] - a[1], b[0] - a[0])
    lower = rectangle(0, -out / 2, 0.9, out)
    upper = rectangle(0, -out / 4, 0.8, out / 2)
    steep = loft(
        lower,
        height * 0.6,
        np.minimum(lower + np.array([0, out / 2]), (9, 0)),
        height * 0.6 + 0.9,
        kit.stone,
    )
    pieces = [
        prism(lower, 0, height * 0.6, kit.stone),
        steep,
        block(upper, height * 0.6, height, kit.stone),
    ]
    if caps:
        pieces.append(pinnacles(kit, np.array([[0, -out / 4]]), height, 2.6, 0.4))
    pier = merge(pieces)
    return merge([place(pier, *(a + (b - a) * t), turn) for t in np.linspace(0, 1, count)])


def square_tower(
    kit: Kit,
    x: float,
    y: float,
    width: float,
    z: float,
    plan: list[Storey],
    top: str = "crenel",
    bay: float | None = None,
    piers: float = 0.8,
    spikes: float = 3.0,
) -> tuple[Mesh, float]:
    """A tower with corner piers, a parapet and corner pinnacles; also the z of its roof."""
    outline = rectangle(x, y, width, width)
    walls, roof = storeys(kit, outline, z, plan, bay or width)
    parts = [walls]
    if top:
        parts.append(parapet(kit, grow(outline, 0.2), roof, top, 1.5))
    if piers:
        for corner in outline:
            parts.append(block(rectangle(*corner, 2 * piers, 2 * piers), z, roof + 0.8, kit.stone))
    if spikes:
        parts.append(pinnacles(kit, outline, roof + 0.8, spikes, max(piers, 0.4)))
    return merge(parts), roof


def clock_faces(kit: Kit, x: float, y: float, half: float, z: float, size: float) -> Mesh:
    """Four dials around a square tower of half width `half`; z is their lowest point."""
    dial = kit("clock")
    return merge(
        [
            panel(
                (x + np.sin(t) * (half + 0.12), y - np.cos(t) * (half + 0.12), z),
                t,
                size,
                size,
                dial,
            )
            for t in np.arange(4) * np.pi / 2
        ]
    )


def turret(kit: Kit, x: float, y: float, radius: float, height: float, cap: float) -> Mesh:
    """An octagonal stair turret with a curved lead cap."""
    foot = ngon(x, y, radius, 8)
    bell = [(1.15, 0), (1.1, 0.25), (0.75, 0.55), (0.3, 0.75), (0.12, 1.0), (0.02, 1.35)]
    return merge(
        prism(foot, 0, height * 0.8, kit.stone),
        prism(foot, height * 0.8, height, kit("louvre"), rows=1, bays=1),
        cornice(kit, foot, height, 0.25, 0.4),
        turned(x, y, [(r * radius, height + 0.4 + h * cap) for r, h in bell], kit.shell, 8),
    )
