"""Buildings that are no landmark: terraces, cottages, blocks, chapels, offices.

Each design returns a mesh whose front stands on the x axis, centred, facing -y, in metres.
"""

from collections.abc import Callable

import numpy as np

from embedded_cities.atlas import Atlas, Kit
from embedded_cities.classical import dome, drum, portico
from embedded_cities.mesh import Mesh, tinted
from embedded_cities.parts import buttresses, cornice, parapet, square_tower, storeys
from embedded_cities.roofs import chimney, mansard
from embedded_cities.shapes import block, cone, gable, hip, merge, panel, prism, rectangle

Design = Callable[[Kit, np.random.Generator], Mesh]


def terrace(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A row of town houses under one roof."""
    width, depth = rng.uniform(14, 30), rng.uniform(9, 12)
    window = str(rng.choice(["sash", "round", "casement", "small"]))
    ground = str(rng.choice(["shop", "door", window]))
    plan = [(3.8, ground)] + [(3.5, window)] * int(rng.integers(1, 4))
    walls, roof = storeys(kit, rectangle(0, depth / 2, width, depth), 0, plan)
    spots = np.linspace(-width / 2 + 2, width / 2 - 2, int(rng.integers(2, 4)))
    return merge(
        walls,
        gable(0, depth / 2, width, depth, roof, rng.uniform(3, 5), kit.tiles, kit("plain")),
        [chimney(kit, x, depth / 2, roof + 2, 4) for x in spots],
    )


def cottages(kit: Kit, rng: np.random.Generator) -> Mesh:
    """Small gabled houses with tall chimneys, some timber-framed."""
    count, step = int(rng.integers(2, 5)), rng.uniform(5.5, 7.5)
    upper = str(rng.choice(["timber", "casement", "small"]))
    width = count * step
    walls, roof = storeys(kit, rectangle(0, 5, width, 10), 0, [(3.4, "door"), (3.2, upper)])
    parts = [walls, gable(0, 5, width, 10, roof, 5, kit.tiles, kit("plain"))]
    for i in range(count):
        x = (i + 0.5) * step - width / 2
        parts += [
            block(rectangle(x, 0, step * 0.6, 1.4), 0, roof, kit(upper), bay=4.4, rows=2),
            gable(x, 3, step * 0.6, 7, roof, 3.5, kit.tiles, kit("plain"), along_x=False),
            chimney(kit, x + step / 2, 4, roof + 1.5, 5),
        ]
    return merge(parts)


def apartments(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A boulevard block with balconies and a mansard roof."""
    width, depth = rng.uniform(14, 26), 13.0
    upper = str(rng.choice(["french", "shutters", "pediment"]))
    plan = [(4.4, str(rng.choice(["shop", "arcade"]))), (3.8, "french")]
    plan += [(3.5, upper)] * int(rng.integers(1, 4))
    outline = rectangle(0, depth / 2, width, depth)
    walls, roof = storeys(kit, outline, 0, plan, out=0.7)
    return merge(
        walls,
        mansard(kit, outline, roof, rng.uniform(3.4, 4.6)),
        [chimney(kit, s * (width / 2 - 1.2), depth / 2, roof, 7) for s in (-1, 1)],
    )


def chapel(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A small church with a gable front or a stub tower."""
    width, deep, tall = rng.uniform(8, 11), rng.uniform(18, 26), rng.uniform(7, 10)
    window = str(rng.choice(["lancet", "twin_lancet", "two_light"]))
    body = rectangle(0, deep / 2 + 1, width, deep)
    parts = [
        prism(body, 0, tall, kit(window), 4.2, rows=1),
        gable(0, deep / 2 + 1, width, deep, tall, 5, kit.tiles, kit("plain"), along_x=False),
        panel((0, 0.85, 0), 0, 4, 5, kit("portal")),
        buttresses(kit, (-width / 2, deep), (-width / 2, 2), 4, tall, 1.0, False),
        buttresses(kit, (width / 2, 2), (width / 2, deep), 4, tall, 1.0, False),
    ]
    if rng.random() < 0.6:
        side = 5.5 * (1 if rng.random() < 0.5 else -1)
        tower, top = square_tower(
            kit, side, 3, 5, 0, [(tall, "plain"), (5, "louvre")], "crenel", piers=0.5, spikes=0
        )
        parts.append(tower)
        if rng.random() < 0.5:
            parts.append(cone(rectangle(side, 3, 4.6, 4.6), top, top + 6, kit.tiles))
    return merge(parts)


def villa(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A detached classical house with a hipped roof and a small porch."""
    width, depth = rng.uniform(12, 20), rng.uniform(10, 13)
    outline = rectangle(0, depth / 2 + 2, width, depth)
    walls, roof = storeys(
        kit, outline, 0, [(4, str(rng.choice(["sash", "pilaster", "round"]))), (3.6, "sash")]
    )
    parts = [
        walls,
        parapet(kit, outline, roof, "balustrade", 1.0),
        hip(0, depth / 2 + 2, width, depth, roof, 3, kit.tiles),
        portico(kit, 0, 2.0, 5, 2, 0, int(rng.choice([2, 4])), 3.8, 0.3, 1.4),
    ]
    if rng.random() < 0.3:
        parts += [
            drum(kit, 0, depth / 2 + 2, 2.4, roof, 4, 8, "round"),
            dome(kit, 0, depth / 2 + 2, 2.4, roof + 4.5, 2.4, 12, 0.2),
        ]
    return merge(parts)


def office(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A flat-roofed modern block of glass and panels."""
    width, depth, floors = rng.uniform(14, 30), 13.0, int(rng.integers(3, 7))
    outline = rectangle(0, depth / 2, width, depth)
    return merge(
        prism(outline, 0, 4, kit("shop"), rows=1),
        block(
            outline, 4, 4 + 3.4 * floors, kit.atlas.bay("glazing", "zinc", kit.trim), rows=floors
        ),
        cornice(kit, outline, 4 + 3.4 * floors, 0.1, 0.4),
    )


def college(kit: Kit, rng: np.random.Generator) -> Mesh:
    """A crenellated range with a plain gate tower."""
    width = rng.uniform(24, 36)
    outline = rectangle(0, 5, width, 10)
    window = str(rng.choice(["casement", "two_light", "gothic_arcade"]))
    walls, roof = storeys(kit, outline, 0, [(4.4, window), (4.2, "casement")])
    x = rng.uniform(-0.3, 0.3) * width
    tower, _ = square_tower(
        kit, x, 3, 6.5, 0, [(7, "portal"), (rng.uniform(5, 8), "casement")], spikes=0
    )
    return merge(
        walls,
        parapet(kit, outline, roof, "crenel"),
        tower,
        gable(0, 5, width, 9, roof, 3, kit.tiles, kit("plain")),
    )


_MIX: dict[str, list[tuple[Design, float]]] = {
    "oxford": [
        (terrace, 0.30),
        (cottages, 0.16),
        (college, 0.20),
        (chapel, 0.12),
        (villa, 0.12),
        (apartments, 0.05),
        (office, 0.05),
    ],
    "paris": [
        (apartments, 0.42),
        (terrace, 0.14),
        (villa, 0.14),
        (chapel, 0.10),
        (college, 0.05),
        (office, 0.10),
        (cottages, 0.05),
    ],
}
_WALLS = {
    "oxford": ["honey", "honey", "sandstone", "redbrick", "brownbrick", "cream"],
    "paris": ["limestone", "limestone", "cream", "sandstone", "redbrick", "white"],
}


def ordinary(style: str, atlas: Atlas, rng: np.random.Generator) -> Mesh:
    """A random building of the city `style`, from the same materials as its landmarks."""
    designs, shares = zip(*_MIX[style], strict=True)
    design = designs[rng.choice(len(designs), p=shares)]
    trim = {"oxford": "honey", "paris": "limestone"}[style]
    kit = Kit(
        atlas,
        str(rng.choice(_WALLS[style])),
        trim,
        str(rng.choice(["slate", "tile", "stoneslate" if style == "oxford" else "zinc"])),
    )
    tone = rng.uniform(0.82, 1.08) * (1 + rng.uniform(-0.06, 0.06, 3))
    return tinted(design(kit, rng), tone)
