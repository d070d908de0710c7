"""Landmarks of the collegiate city that spread: halls, a cloister, a bridge, a museum.


Each takes the materials and a generator for its proportions, and returns a mesh around the origin
that faces -y, in metres.
"""

import numpy as np

from embedded_cities.atlas import Kit
from embedded_cities.classical import dome
from embedded_cities.mesh import Mesh
from embedded_cities.parts import (
    buttresses,
    clock_faces,
    cornice,
    parapet,
    pinnacles,
    square_tower,
    storeys,
    turret,
)
from embedded_cities.roofs import chimney
from embedded_cities.shapes import (
    block,
    cone,
    gable,
    hip,
    merge,
    ngon,
    panel,
    prism,
    rectangle,
)
from embedded_cities.vaults import arched_wall


def great_hall(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A long buttressed hall with huge windows, a steep roof and a slender fleche."""
    bays = int(rng.integers(6, 8))
    width = bays * 5.5
    body = rectangle(0, 6, width, 12)
    walls, roof = storeys(kit, body, 0, [(13, "perpendicular")], 5.5)
    flat = rectangle(0, 6, 2.2, 2.2)
    ridge = roof + 9
    return merge(
        walls,
        parapet(kit, body, roof, "pierced", 1.4),
        gable(0, 6, width, 11, roof, 9, kit.tiles, kit("plain")),
        buttresses(kit, (-width / 2, 0), (width / 2, 0), bays + 1, 14, 1.8),
        buttresses(kit, (width / 2, 12), (-width / 2, 12), bays + 1, 14, 1.8),
        block(flat, ridge - 1, ridge + 3.5, kit("louvre"), rows=1),
        cone(ngon(0, 6, 1.5, 8), ridge + 3.5, ridge + 13, kit.shell),
        [
            panel((s * (width / 2 + 0.05), 6, 3), s * np.pi / 2, 7, 12, kit("great"))
            for s in (-1, 1)
        ],
        pinnacles(kit, body, roof, 6, 0.8),
    )


def twin_chapel(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A west front with a great window between two octagonal turrets, and a long chapel."""
    width, tall = 13 + rng.random(), 19 + 3 * rng.random()
    body = rectangle(0, 22, width, 44)
    return merge(
        prism(body, 0, tall, kit("perpendicular"), 5.5, rows=1),
        cornice(kit, body, tall),
        parapet(kit, body, tall + 0.5, "pierced", 1.5),
        gable(0, 22, width - 1, 43, tall, 4, kit.tiles, kit("plain"), along_x=False),
        prism(rectangle(0, -0.1, width, 0.3), 0, tall, kit("plain")),
        panel((0, -0.3, 4.5), 0, width * 0.72, tall - 6, kit("great")),
        panel((0, -0.35, 0), 0, 4.6, 5, kit("portal")),
        [
            merge(
                turret(kit, s * width / 2, 0, 1.7, tall + 6, 3.0),
                cone(ngon(s * width / 2, 0, 1.7, 8), tall + 7, tall + 16, kit.stone),
            )
            for s in (-1, 1)
        ],
        buttresses(kit, (-width / 2, 44), (-width / 2, 4), 8, tall, 1.8),
        buttresses(kit, (width / 2, 4), (width / 2, 44), 8, tall, 1.8),
    )


def cloister(kit: Kit, rng: np.random.Generator) -> Mesh:
    """Two low gothic arcades around a court, with a clock cupola on the far side."""
    width, deep = 44 + 6 * rng.random(), 24
    back = rectangle(0, deep, width, 8)
    walls, roof = storeys(kit, back, 0, [(5, "gothic_arcade"), (4.5, "casement")], 4)
    side = []
    for s in (-1, 1):
        outline = rectangle(s * (width / 2 - 3), deep / 2 - 4, 6, deep)
        side += [
            prism(outline, 0, 5, kit("gothic_arcade"), 4, rows=1),
            cornice(kit, outline, 5),
            parapet(kit, outline, 5.5, "crenel"),
            gable(
                s * (width / 2 - 3),
                deep / 2 - 4,
                5.6,
                deep,
                5.4,
                2.2,
                kit.tiles,
                kit("plain"),
                along_x=False,
            ),
        ]
    top = roof + 4.5
    cup = ngon(0, deep, 2.2, 8)
    return merge(
        walls,
        side,
        hip(0, deep, width, 8.5, roof, 4.5, kit.tiles),
        block(rectangle(0, deep, 5, 5), roof, top + 1, kit("plain")),
        clock_faces(kit, 0, deep, 2.5, top - 3, 3.2),
        prism(cup, top + 1, top + 5, kit("louvre"), rows=1, bays=1),
        cornice(kit, cup, top + 5),
        dome(kit, 0, deep, 2.3, top + 5.5, 3.2, 8, 0.18),
        [chimney(kit, s * width * 0.3, deep + 1, roof + 2, 5) for s in (-1, 1)],
    )


def sky_bridge(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A covered bridge on one arch between two gabled houses."""
    gap, height = 10 + rng.random(), 8
    houses = []
    for s in (-1, 1):
        x = s * (gap / 2 + 6)
        walls, roof = storeys(
            kit, rectangle(x, 5, 12, 14), 0, [(4, "door"), (4, "sash"), (3.5, "sash")], 4
        )
        houses += [
            walls,
            gable(x, 5, 12, 14, roof, 6, kit.tiles, kit("plain"), along_x=False),
            chimney(kit, x + s * 4, 7, roof + 2, 6),
            panel((x, -2.5, roof + 1), 0, 2.4, 2.4, kit("oculus")),
        ]
    deck = rectangle(0, 0, gap + 0.4, 4)
    arch = arched_wall(gap, 4, 3.4, height, kit.stone, 0.78)
    return merge(
        houses,
        arch,
        prism(deck, height, height + 4, kit("pediment"), gap / 3, rows=1),
        cornice(kit, deck, height),
        cornice(kit, deck, height + 4),
        hip(0, 0, gap + 0.4, 5, height + 4.4, 2.2, kit.of("lead")),
    )


def museum(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A long gothic front with a pyramid-roofed central tower and steep end pavilions."""
    width = 54 + 6 * rng.random()
    walls, roof = storeys(
        kit, rectangle(0, 7, width, 14), 0, [(6, "twin_lancet"), (6, "two_light")], 4
    )
    tower, top = square_tower(
        kit, 0, 2, 9, 0, [(7, "portal"), (7, "twin_lancet"), (6, "two_light")], "", 9, 0.7, 0
    )
    ends = []
    for s in (-1, 1):
        x = s * (width / 2 - 5)
        ends += [
            block(rectangle(x, 5, 10, 14), 0, 14, kit("two_light"), bay=5, rows=2),
            cone(rectangle(x, 5, 10.6, 14.6), 14, 26, kit.tiles),
        ]
    return merge(
        walls,
        gable(0, 7, width, 14, roof, 9, kit.tiles, kit("plain")),
        tower,
        cone(rectangle(0, 2, 10, 10), top, top + 15, kit.tiles),
        ends,
        [chimney(kit, x, 9, roof + 6, 6) for x in (-width * 0.22, width * 0.22)],
        [panel((s * width * 0.22, -0.1, roof - 0.3), 0, 4, 4.5, kit("oculus")) for s in (-1, 1)],
    )
