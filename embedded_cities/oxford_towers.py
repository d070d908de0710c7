"""Landmarks of the collegiate city that rise: towers, a spire, a round library, a castle.


Each takes the materials and a generator for its proportions, and returns a mesh around the origin
that faces -y, in metres.
"""

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.classical import columns, dome, drum, portico, row, steps
from embedded_cities.mesh import Mesh
from embedded_cities.parts import (
    buttresses,
    cornice,
    parapet,
    pinnacles,
    square_tower,
    storeys,
    turret,
)
from embedded_cities.shapes import (
    block,
    cone,
    gable,
    grow,
    hip,
    loft,
    merge,
    ngon,
    panel,
    prism,
    rectangle,
    turned,
)


def bell_tower(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A tall, slender square tower with pinnacles beside a low hall."""
    width, tall = 8.5 + rng.random(), 9 + 2 * rng.random()
    tower, _ = square_tower(
        kit,
        -9,
        5,
        width,
        0,
        [(7, "portal"), (tall, "lancet"), (8, "plain"), (10, "louvre")],
        "pierced",
        width / 2,
        1.0,
        6,
    )
    hall = rectangle(7, 6, 24, 9)
    walls, roof = storeys(kit, hall, 0, [(8, "two_light")], 4)
    return merge(
        tower,
        walls,
        parapet(kit, hall, roof, "crenel"),
        gable(7, 6, 24, 8, roof, 3.0, kit.tiles, kit("plain")),
        buttresses(kit, (-3, 1.5), (19, 1.5), 6, 8),
    )


def gate_tower(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A college range with a domed gatehouse between two turrets."""
    width, tall = 56 + 6 * rng.random(), 17 + 3 * rng.random()
    front = rectangle(0, 6, width, 12)
    range_, roof = storeys(kit, front, 0, [(4.5, "casement"), (4.5, "casement")])
    gate, top = storeys(kit, rectangle(0, 4, 10, 10), 0, [(8, "portal"), (tall - 8, "great")], 10)
    belfry = ngon(0, 4, 4.8, 8)
    upper = top + 6
    return merge(
        range_,
        gate,
        parapet(kit, front, roof, "crenel"),
        [turret(kit, s * 5.6, -0.6, 1.8, tall + 3, 4.5) for s in (-1, 1)],
        prism(belfry, top, upper, kit("louvre"), rows=1, bays=1),
        cornice(kit, belfry, upper),
        pinnacles(kit, belfry, upper, 2.4, 0.3),
        dome(kit, 0, 4, 4.6, upper + 0.4, 6.5, 8, 0.2, 0.25),
        [
            square_tower(
                kit,
                s * (width / 2 - 3),
                3,
                7,
                0,
                [(5, "casement"), (5, "casement"), (4, "sash")],
                spikes=0,
            )[0]
            for s in (-1, 1)
        ],
    )


def spire_church(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A parish church: tower with a broach spire at the side of a gabled nave."""
    width, spire = 9 + rng.random(), 24 + 6 * rng.random()
    tower, roof = square_tower(
        kit, 0, 4, width, 0, [(7, "portal"), (6, "lancet"), (8, "louvre")], "", width, 1.1, 5
    )
    nave = rectangle(0, 22, 11, 28)
    aisles = rectangle(0, 23, 21, 25)
    return merge(
        tower,
        cone(ngon(0, 4, width / 2, 8), roof, roof + spire, kit.stone),
        [
            panel(
                (np.sin(t) * width * 0.36, 4 - np.cos(t) * width * 0.36, roof + 1.5),
                t,
                1.8,
                4.5,
                kit("lancet"),
            )
            for t in np.arange(4) * np.pi / 2
        ],
        prism(nave, 0, 13, kit("twin_lancet"), 4, rows=1),
        gable(0, 22, 11, 28, 13, 7, kit.tiles, kit("plain"), along_x=False),
        prism(aisles, 0, 6.5, kit("two_light"), 4.5, rows=1),
        loft(aisles, 6.5, nave, 9.5, kit.tiles),
        buttresses(kit, (-10.5, 35), (-10.5, 11), 6, 7),
        buttresses(kit, (10.5, 11), (10.5, 35), 6, 7),
    )


def observatory(kit: Kit, rng: np.random.Generator) -> Mesh:
    """An octagonal tower of glass and stone over a long low wing, under a green dome."""
    side, wing = 7.0 + rng.random(), 46
    low, roof = storeys(kit, rectangle(0, 6, wing, 9), 0, [(6, "round")], 4)
    foot = ngon(0, 4, side, 8)
    walls, top = storeys(kit, foot, 0, [(7, "arcade"), (7, "tall_round"), (8, "tall_round")], 5.5)
    green = Kit(kit.atlas, kit.wall, kit.trim, kit.roof, "copper")
    return merge(
        low,
        parapet(kit, rectangle(0, 6, wing, 9), roof, "balustrade"),
        walls,
        parapet(kit, foot, top, "balustrade"),
        dome(green, 0, 4, side * 0.78, top + 0.2, side * 0.8, 16, 0),
        turned(
            0,
            4,
            [(0.9, top + side * 0.75), (0.9, top + side * 0.95), (0.02, top + side * 1.25)],
            kit.of("gilt"),
            8,
        ),
        portico(kit, 0, -2.6, 9, 3, 0, 4, 5.0, 0.4),
        [
            merge(
                block(rectangle(s * (wing / 2 - 3), 5, 8, 11), 0, 8, kit("round"), rows=1, bay=4),
                hip(s * (wing / 2 - 3), 5, 8.6, 11.6, 8, 3, kit.tiles),
            )
            for s in (-1, 1)
        ],
    )


def rotunda(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A round library: rusticated base, ring of paired columns, ribbed dome and lantern."""
    radius, bays = 13 + 2 * rng.random(), 16
    base = ngon(0, 0, radius + 1.8, bays)
    rough = Kit(kit.atlas, "rustic", kit.trim, kit.roof, kit.dome)
    return merge(
        prism(base, 0, 6, rough("arcade"), rows=1, bays=1),
        cornice(kit, base, 6, 0.5, 0.6),
        loft(base, 6.6, ngon(0, 0, radius, bays), 6.7, kit.stone),
        drum(kit, 0, 0, radius, 6.6, 11, bays, "pilaster", ring=True),
        parapet(kit, ngon(0, 0, radius + 1.5, bays), 18.2, "balustrade", 1.3),
        drum(kit, 0, 0, radius * 0.7, 18, 5, bays, "round"),
        dome(kit, 0, 0, radius * 0.7, 23.4, radius * 0.66, bays, 0.2),
        steps(kit, 0, -radius - 1.5, 7, 1.5),
    )


def keep(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A castle mound: a big crenellated keep, a wall and two round towers."""
    size = 13 + 2 * rng.random()
    tower, _ = square_tower(
        kit, 2, 9, size, 0, [(8, "plain"), (7, "lancet"), (6, "small")], "crenel", size / 3, 1.8, 0
    )
    rounds = []
    for x, radius, height in ((-19, 4.2, 14), (20, 3.4, 11)):
        foot = ngon(x, 2, radius, 14)
        rounds += [
            prism(foot, 0, height, kit.stone),
            cornice(kit, foot, height, 0.5, 0.8),
            parapet(kit, grow(foot, 0.4), height + 0.8, "crenel", 1.4),
        ]
    wall = rectangle(0, 2, 38, 2)
    return merge(
        tower,
        rounds,
        block(wall, 0, 7, kit.stone),
        parapet(kit, wall, 7, "crenel", 1.3),
        panel((-6, 0.95, 0), 0, 6, 7, kit("portal")),
        columns(kit, row(-9.4, -2.6, 0.9, 2), 0, 7, 0.6),
    )
