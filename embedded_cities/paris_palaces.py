"""Churches and palaces of the classical city: domes, mansards, gothic and round towers.


Each takes the materials and a generator for its proportions, and returns a mesh around the origin
that faces -y, in metres.
"""

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.classical import columns, dome, drum, pediment, portico, steps
from embedded_cities.mesh import Mesh
from embedded_cities.parts import (
    buttresses,
    clock_faces,
    cornice,
    parapet,
    pinnacles,
    square_tower,
    storeys,
)
from embedded_cities.roofs import chimney, mansard
from embedded_cities.shapes import (
    block,
    cone,
    gable,
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


def hero_dome(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A temple-fronted church under a tall ringed drum and dome."""
    wide, tall = 26 + 2 * rng.random(), 12.0
    body = rectangle(0, 22, wide, 42)
    arms = rectangle(0, 24, wide + 20, 16)
    radius = 8.5 + rng.random()
    plain = [(tall - 2, "plain"), (3.5, "plain")]
    nave, roof = storeys(kit, body, 0, plain)
    cross, _ = storeys(kit, arms, 0, plain)
    return merge(
        nave,
        cross,
        steps(kit, 0, -8, wide, 1.6, 6),
        portico(kit, 0, 1, wide, 8, 1.2, 6, 11.5, 0.85),
        gable(0, 24, 14, 42, roof, 3, kit.tiles, kit.stone, along_x=False),
        block(ngon(0, 24, radius + 3, 8), roof, roof + 4, kit.stone),
        drum(kit, 0, 24, radius, roof + 4, 10, 16, "tall_round", ring=True),
        drum(kit, 0, 24, radius * 0.92, roof + 14, 3.2, 16, "small"),
        dome(kit, 0, 24, radius * 0.92, roof + 17.4, radius * 1.15, 16, 0.2),
    )


def opera_house(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A wide front with an arcade, a loggia of paired columns, end pavilions and a low dome."""
    width, bays = 46 + 4 * rng.random(), 9
    front = rectangle(0, 10, width, 20)
    walls, roof = storeys(
        kit, front, 0, [(7, "arcade"), (9, "pilaster"), (3.5, "oculus")], width / bays
    )
    pairs = np.linspace(-width / 2 + 6, width / 2 - 6, bays - 1)
    twins = np.concatenate(
        [np.column_stack([pairs + d, np.full(bays - 1, -1.2)]) for d in (-0.7, 0.7)]
    )
    ledge = rectangle(0, -0.8, width - 4, 2.4)
    ends = []
    for s in (-1, 1):
        x = s * (width / 2 - 4)
        pav = rectangle(x, 8, 9, 19)
        body, top = storeys(kit, pav, 0, [(7, "arcade"), (9, "pilaster"), (4, "relief")], 4.5)
        ends += [
            body,
            pediment(kit, x, -1.6, 9, top, 2.6, 3, "relief"),
            turned(
                x,
                1.5,
                [(0.8, top), (0.6, top + 3), (0.9, top + 4), (0.3, top + 5.5)],
                kit.of("gilt"),
                6,
            ),
        ]
    stage = rectangle(0, 30, 26, 18)
    return merge(
        walls,
        ends,
        columns(kit, twins, 7, 8.4, 0.5),
        block(ledge, 0, 7, kit("arcade"), bay=4.6, rows=1),
        block(ledge, 15.4, 17, kit("frieze"), bay=4, rows=1),
        parapet(kit, front, roof, "balustrade"),
        block(ngon(0, 14, 11, 16), roof, roof + 4, kit("oculus"), bay=4.2, rows=1),
        dome(
            Kit(kit.atlas, kit.wall, kit.trim, kit.roof, "copper"),
            0,
            14,
            11.3,
            roof + 4,
            6.5,
            16,
            0.13,
        ),
        block(stage, 0, roof + 9, kit.stone),
        gable(0, 30, 26, 18, roof + 9, 6, kit.of("copper"), kit.stone, along_x=False),
    )


def cathedral(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A gothic west front: three portals, a gallery, a rose and two flat towers."""
    side, tall = 9 + rng.random(), 20 + rng.random()
    plan = [(8, "portal"), (3.5, "niche"), (tall - 11.5, "two_light"), (12, "louvre")]
    towers = [
        square_tower(kit, s * side, 5, side, 0, plan, "pierced", side, 1.0, 2)[0] for s in (-1, 1)
    ]
    middle = rectangle(0, 4.5, side + 1, 8)
    nave = rectangle(0, 34, 14, 52)
    aisle = rectangle(0, 34, 28, 50)
    return merge(
        towers,
        prism(middle, 0, 8, kit("portal"), side + 1, rows=1),
        prism(middle, 8, 11.5, kit("niche"), 3, rows=1),
        block(middle, 11.5, tall, kit("plain")),
        cornice(kit, middle, 8),
        cornice(kit, middle, 11.5),
        cornice(kit, middle, tall),
        parapet(kit, middle, tall + 0.5, "pierced", 2.2),
        panel((0, 0.35, 11.8), 0, side * 0.86, side * 0.86, kit("rose")),
        prism(nave, 0, 20, kit("two_light"), 5, rows=2),
        gable(0, 34, 14, 52, 20, 8, kit.of("lead"), kit.stone, along_x=False),
        prism(aisle, 0, 10, kit("two_light"), 5, rows=1),
        loft(aisle, 10, nave, 12.5, kit.of("lead")),
        buttresses(kit, (-14, 58), (-14, 10), 9, 14, 3.0),
        buttresses(kit, (14, 10), (14, 58), 9, 14, 3.0),
        prism(ngon(0, 36, 1.6, 8), 26, 32, kit("louvre"), rows=1, bays=1),
        cone(ngon(0, 36, 1.7, 8), 32, 48, kit.of("lead")),
    )


def white_basilica(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A pale hill church with one large and four small elongated domes above steps."""
    radius = 6.5 + rng.random()
    base = rectangle(0, 14, 30, 26)
    shell = Kit(kit.atlas, kit.wall, kit.trim, kit.roof, "white")
    walls, roof = storeys(shell, base, 3, [(8, "round"), (5, "round")], 4.2)
    small = []
    for x, y in ((-10.5, 5.5), (10.5, 5.5), (-10.5, 23), (10.5, 23)):
        small += [
            drum(shell, x, y, 3.3, roof, 5, 8, "tall_round"),
            dome(shell, x, y, 3.4, roof + 5.6, 7, 12, 0.2, 0.12),
        ]
    porch = rectangle(0, -0.5, 17, 5)
    return merge(
        steps(shell, 0, -3, 34, 3, 8),
        block(rectangle(0, 14, 36, 34), 0, 3, kit.stone),
        walls,
        small,
        block(porch, 3, 11, shell("arcade"), bay=5.6, rows=1),
        cornice(shell, porch, 11),
        pediment(shell, 0, 0.8, 12, roof, 4.5, 4),
        drum(shell, 0, 15, radius, roof, 8, 12, "tall_round"),
        dome(shell, 0, 15, radius + 0.1, roof + 8.6, 13.5, 16, 0.2, 0.12),
        square_tower(
            shell, 0, 32, 6, 0, [(22, "plain"), (8, "louvre"), (6, "louvre")], "", 6, 0.5, 2
        )[0],
        dome(shell, 0, 32, 2.9, 37.5, 5, 8, 0, 0.1),
    )


def town_hall(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A mansard palace: three pavilions, many chimneys and a central clock campanile."""
    width = 50 + 4 * rng.random()
    plan = [(5.5, "arcade"), (5, "pediment"), (4, "sash")]
    front = rectangle(0, 7, width, 13)
    walls, roof = storeys(kit, front, 0, plan)
    parts = [walls, mansard(kit, front, roof, 5)]
    for x, wide, rise in ((-width / 2 + 4, 10, 8), (0, 13, 6), (width / 2 - 4, 10, 8)):
        outline = rectangle(x, 6, wide, 15)
        body, top = storeys(kit, outline, 0, [*plan, (3, "small")])
        parts += [
            body,
            loft(outline, top, grow(outline, -2.6), top + rise, kit.tiles),
            lid(grow(outline, -2.6), top + rise, kit.of("zinc")),
            parapet(
                Kit(kit.atlas, "iron", "iron", "zinc"),
                grow(outline, -2.6),
                top + rise,
                "balustrade",
            ),
        ]
        parts += [chimney(kit, x + s * wide * 0.36, 9, top, rise) for s in (-1, 1) if x]
    tower, high = square_tower(
        kit, 0, 4, 5, 17, [(8, "niche"), (5, "louvre")], "balustrade", 5, 0.4, 2
    )
    lamp = ngon(0, 4, 1.8, 8)
    return merge(
        parts,
        tower,
        clock_faces(kit, 0, 4, 2.55, 22.5, 3.0),
        prism(lamp, high, high + 4, kit("louvre"), rows=1, bays=1),
        dome(kit, 0, 4, 2.0, high + 4, 3, 8, 0.25),
    )


def river_palace(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A long medieval palace with four round, cone-roofed towers and a square clock tower."""
    width = 48 + 4 * rng.random()
    front = rectangle(0, 7, width, 12)
    walls, roof = storeys(kit, front, 0, [(5, "small"), (5, "sash"), (4, "casement")])
    parts = [walls, gable(0, 7, width, 12, roof, 8, kit.tiles, kit("plain"))]
    for x, radius, height in ((-14, 3.6, 19), (-4, 3.6, 19), (11, 3.0, 17), (width / 2, 3.4, 16)):
        foot = ngon(x, 0.5, radius, 14)
        parts += [
            prism(foot, 0, height - 4, kit.stone),
            prism(foot, height - 4, height, kit("small"), rows=1, bays=1),
            cornice(kit, foot, height, 0.4, 0.6),
            cone(grow(foot, 0.4), height + 0.6, height + 11, kit.tiles),
        ]
    tower, top = square_tower(
        kit, -width / 2, 3, 7, 0, [(14, "plain"), (6, "small"), (6, "louvre")], "pierced", 7, 0.5, 2
    )
    return merge(
        parts,
        tower,
        clock_faces(kit, -width / 2, 3, 3.6, 15, 3.8),
        cone(rectangle(-width / 2, 3, 6, 6), top, top + 8, kit.tiles),
        [pinnacles(kit, np.array([[x, 2.0]]), roof, 5, 0.8) for x in (-9, 4, 18)],
    )
