"""Monuments of the classical city: a lattice tower, an arch, a column, a temple, a glasshouse.


Each takes the materials and a generator for its proportions, and returns a mesh around the origin
that faces -y, in metres.
"""

from itertools import pairwise

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.classical import columns, dome, pediment, row, steps
from embedded_cities.mesh import Mesh, faces, place
from embedded_cities.parts import (
    cornice,
    parapet,
)
from embedded_cities.shapes import (
    block,
    gable,
    grow,
    hip,
    lid,
    loft,
    merge,
    ngon,
    panel,
    prism,
    rectangle,
    turned,
)
from embedded_cities.vaults import arched_wall, barrel


def iron_tower(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A tapering lattice tower on four splayed legs with two platforms."""
    height, foot = 88 + 8 * rng.random(), 17 + rng.random()
    beam = kit.atlas.bay("lattice", "iron", "iron")
    parts = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            levels = [(foot, 5.0, 0.0), (10.5, 3.6, 20.0), (6.0, 2.6, 42.0)]
            parts.append(block(rectangle(sx * foot, sy * foot, 13, 13), 0, 2.5, kit.stone))
            for (o0, s0, z0), (o1, s1, z1) in pairwise(levels):
                low = rectangle(sx * o0, sy * o0, 2 * s0, 2 * s0)
                high = rectangle(sx * o1, sy * o1, 2 * s1, 2 * s1)
                parts.append(loft(low, z0, high, z1, beam, rows=round((z1 - z0) / 6), bays=1))
    taper = [(4.6, 42.0), (2.6, 58.0), (1.5, height * 0.88)]
    for (s0, z0), (s1, z1) in pairwise(taper):
        parts.append(
            loft(
                rectangle(0, 0, 2 * s0, 2 * s0),
                z0,
                rectangle(0, 0, 2 * s1, 2 * s1),
                z1,
                beam,
                rows=round((z1 - z0) / 5),
                bays=1,
            )
        )
    dark = kit.of("iron")
    for half, z, thick in ((15.5, 20, 2.6), (8.8, 41, 2.2), (2.8, height * 0.88, 2.4)):
        deck = rectangle(0, 0, 2 * half, 2 * half)
        parts += [
            block(deck, z, z + thick, dark),
            lid(deck[::-1], z, dark),
            parapet(Kit(kit.atlas, "iron", "iron", "zinc"), deck, z + thick, "balustrade"),
        ]
    # Decorative arches between the legs.
    angle = np.linspace(np.pi, 0, 11)
    inner, outer = 12.0, 13.4
    for side in range(4):
        cos, sin = np.cos(side * np.pi / 2), np.sin(side * np.pi / 2)
        for a, b in pairwise(angle):
            ring = [(inner, a), (inner, b), (outer, b), (outer, a)]
            points = [(np.cos(t) * r, -14.5 + np.sin(t) * 1.5, 6 + np.sin(t) * r) for r, t in ring]
            quad = np.array([(x * cos - y * sin, x * sin + y * cos, z) for x, y, z in points])
            parts.append(faces(np.stack([quad, quad[[1, 0, 3, 2]]]), dark, (1, 1)))
    tip = height * 0.88 + 2.4
    return merge(
        parts,
        turned(0, 0, [(2.0, tip), (1.6, tip + 2.5), (0.4, tip + 4), (0.15, height + 5)], dark, 8),
    )


def victory_arch(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A massive arch with one great opening, carved panels and a tall attic."""
    width, depth, spring = 30 + 3 * rng.random(), 14.0, 13 + rng.random()
    opening, top = 10.0, 24.0
    pier = (width - opening) / 2
    parts = []
    for s in (-1, 1):
        x = s * (opening + pier) / 2
        leg = rectangle(x, 0, pier, depth)
        parts += [
            prism(leg, 0, top, kit.stone),
            cornice(kit, leg, spring - 0.4, 0.35, 0.7),
            block(grow(leg, 0.4), 0, 2.2, kit.stone),
        ]
        for y, turn in ((-depth / 2 - 0.3, 0), (depth / 2 + 0.3, np.pi)):
            parts += [
                panel((x, y, 3), turn, pier * 0.62, 8, kit("niche"), (2, 1)),
                panel((x, y, spring + 2), turn, pier * 0.75, 4.2, kit("relief"), (2, 1)),
            ]
    body = rectangle(0, 0, width, depth)
    attic = rectangle(0, 0, width - 1, depth - 1)
    return merge(
        parts,
        arched_wall(opening, depth, spring, top, kit.stone),
        prism(grow(body, 0.2), top, top + 1.4, kit("frieze"), 4, rows=1),
        cornice(kit, grow(body, 0.2), top + 1.4, 0.9, 0.8),
        block(attic, top + 2.2, top + 7, kit("relief"), kit.stone, bay=3.5, rows=1),
        cornice(kit, attic, top + 7, 0.4, 0.5),
    )


def victory_column(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A single tall column with a carved shaft and a figure, in a ring of railings."""
    tall, radius = 34 + 4 * rng.random(), 2.2 + 0.3 * rng.random()
    metal = kit.atlas.bay("relief", "bronze", "bronze")
    base = rectangle(0, 0, 9, 9)
    top = 7 + tall
    return merge(
        block(rectangle(0, 0, 13, 13), 0, 1, kit.stone),
        block(base, 1, 6.5, kit("relief"), rows=1),
        cornice(kit, base, 6.3, 0.5, 0.7),
        loft(ngon(0, 0, radius, 16), 7, ngon(0, 0, radius * 0.87, 16), top, metal, rows=14, bays=1),
        turned(
            0, 0, [(radius * 1.25, 6.9), (radius * 1.25, 7.6), (radius, 8.2)], kit.of("bronze"), 16
        ),
        block(rectangle(0, 0, radius * 3, radius * 3), top, top + 1, kit.of("bronze")),
        lid(rectangle(0, 0, radius * 3, radius * 3)[::-1], top, kit.of("bronze")),
        turned(
            0,
            0,
            [
                (1.3, top + 1),
                (1.3, top + 3),
                (1.0, top + 3.4),
                (0.8, top + 4),
                (0.55, top + 5.6),
                (0.8, top + 6.6),
                (0.3, top + 7.2),
                (0.35, top + 7.7),
                (0.02, top + 8.3),
            ],
            kit.of("gilt"),
            8,
        ),
        prism(ngon(0, 0, 12, 16), 0, 1.1, kit.atlas.bay("balustrade", "iron", "iron"), rows=1),
    )


def temple_front(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A temple ringed by columns on a high base, with a carved pediment."""
    count, step = 8, 3.9 + 0.3 * rng.random()
    width, deep, height = (count - 1) * step, 13 * step, 12.0
    middle = deep / 2
    base = rectangle(0, middle, width + 5, deep + 5)
    ring = [row(-width / 2, width / 2, y, count) for y in (0.0, deep)]
    ring += [
        np.column_stack([np.full(12, s * width / 2), np.arange(1, 13) * step]) for s in (-1, 1)
    ]
    beam = rectangle(0, middle, width + 2.6, deep + 2.6)
    top = 4 + height
    return merge(
        block(base, 0, 4, kit.stone),
        steps(kit, 0, -2.4, width + 2, 4, 10),
        columns(kit, np.concatenate(ring), 4, height, 0.9),
        block(rectangle(0, middle, width - 5, deep - 5), 4, top, kit("plain")),
        panel((0, 2.4, 4), 0, 5, 8, kit("door")),
        lid(beam[::-1], top, kit.stone),
        prism(beam, top, top + 2, kit("frieze"), 4, rows=1),
        cornice(kit, beam, top + 2, 0.6, 0.6),
        pediment(kit, 0, -1.3, width + 3, top + 2.6, 6, 3, "relief"),
        gable(0, middle, width + 2.6, deep + 2, top + 2.6, 6, kit.tiles, kit.stone, along_x=False),
    )


def winter_garden(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A hall of iron and glass: an arched nave between stone porches and low glass wings."""
    length, radius = 40 + 4 * rng.random(), 10 + rng.random()
    glass = kit.atlas.bay("glazing", "iron", "iron" if rng.random() < 0.5 else "white")
    shells = [place(barrel(length, 7.5, 6, glass), 0, 0, np.pi / 2), barrel(18, radius, 6, glass)]
    side = rectangle(0, 0, length, 15)
    return merge(
        shells,
        prism(side, 0, 6, glass, rows=1.5),
        cornice(kit, side, 5.6, 0.3, 0.5),
        prism(rectangle(0, 0, 2 * radius, 18), 0, 6, glass, rows=1.5),
        [block(rectangle(s * 11, -8.6, 4, 4), 0, 13, kit("niche"), rows=2) for s in (-1, 1)],
        [dome(kit, s * 11, -8.6, 2, 13, 2.6, 8, 0.2) for s in (-1, 1)],
        steps(kit, 0, -9, 16, 1.2),
        panel((0, -9.1, 0), 0, 6, 5.5, kit("door"), (2, 1)),
        [
            merge(
                block(rectangle(s * length / 2, 0, 5, 17), 0, 8, kit("round"), rows=1),
                hip(s * length / 2, 0, 5.4, 17.4, 8, 2, kit.of("zinc")),
            )
            for s in (-1, 1)
        ],
    )
