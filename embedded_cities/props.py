"""Things that stand about and get in the way: trees, people, lamp posts, cars, vans, buses."""

import numpy as np

from embedded_cities.atlas import Atlas
from embedded_cities.canvas import Canvas
from embedded_cities.materials import noise
from embedded_cities.mesh import Mesh, faces
from embedded_cities.shapes import block, lid, loft, merge, panel, prism, rectangle, turned

TREES = ("broad", "tall", "autumn", "bare", "cone", "young")
_LEAVES = {
    "broad": (0.10, 0.17, 0.04),
    "tall": (0.12, 0.20, 0.06),
    "autumn": (0.30, 0.17, 0.06),
    "cone": (0.05, 0.10, 0.05),
    "young": (0.20, 0.28, 0.08),
}
_CROWNS = {
    "broad": (3.3, 1.9, 5.9),
    "tall": (2.1, 1.2, 6.6),
    "autumn": (3.0, 1.9, 5.5),
    "cone": (1.9, 0.6, 7.2),
    "young": (2.4, 2.5, 4.2),
}
"""Half width, foot and height of the crown, metres."""
_BARK = (0.09, 0.07, 0.05)


def _branch(c: Canvas, x: float, y: float, angle: float, length: float, width: float) -> None:
    """A straight branch that forks until it is thin."""
    dx, dy = np.sin(angle), np.cos(angle)
    along = (c.x - x) * dx + (c.y - y) * dy
    aside = np.abs((c.x - x) * dy - (c.y - y) * dx)
    c.paint((along > 0) & (along < length) & (aside < width / 2), _BARK)
    if width > 0.09:
        for turn in c.rng.uniform(0.15, 0.6, 2) * (1, -1):
            _branch(
                c,
                x + dx * length,
                y + dy * length,
                angle + turn,
                length * c.rng.uniform(0.62, 0.82),
                width * 0.66,
            )


def _tree(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A tree in a square of 8 x 8 metres."""
    c = Canvas("timber", (8, 8), (128, 128), rng)
    c.paint(c.y >= 0, _LEAVES.get(kind, _BARK), 0.0, opacity=0)
    _branch(c, 4, 0, 0, 2.3 if kind == "bare" else 2.0, 0.5 if kind == "bare" else 0.32)
    if kind == "bare":
        return c.texels()
    wide, low, tall = _CROWNS[kind]
    rise = np.clip((c.y - low) / tall, 0, 1)
    half = wide * (
        (1 - rise) if kind == "cone" else np.sqrt(np.clip(1 - (2 * rise - 1) ** 2, 0, 1))
    )
    # Clumps at two scales: large ones shape the outline, small ones are the leaves.
    coarse, fine = noise(rng, c.x.shape, 1.6), noise(rng, c.x.shape, 0.7)
    lumps = 0.20 * coarse + 0.13 * fine
    inside = (c.y > low) & (c.y < low + tall) & (np.abs(c.x - 4) < half * (0.92 + lumps))
    leaves = inside & (fine + 0.6 * coarse < 1.35)
    tone = (0.55 + 0.65 * rise) * np.clip(0.9 + 0.28 * coarse + 0.22 * fine, 0.25, 1.6)
    c.paint(leaves, np.array(_LEAVES[kind]) * tone[leaves][:, None])
    c.relief[leaves] = (0.10 * coarse + 0.02 * fine)[leaves]
    return c.texels()


def tree(atlas: Atlas, kind: str) -> Mesh:
    """A card with a tree 1 m high, facing -y.

    A second card at a right angle gives it a shadow when the sun is at the side.
    """
    texture = atlas.number(f"tree/{kind}", lambda rng: _tree(kind, rng))
    return merge([panel((0, 0, 0), turn, 1, 1, texture) for turn in (0, np.pi / 2)])


def _person(rng: np.random.Generator) -> np.ndarray:
    c = Canvas("timber", (1, 2), (64, 32), rng)
    coat = rng.random() ** 2 * 0.5 + rng.random(3) ** 2 * rng.choice([0.06, 0.06, 0.3])
    legs, skin = rng.random() * 0.12 + rng.random(3) * 0.04, (0.45, 0.30, 0.22)
    c.paint(c.y >= 0, coat, 0.0, opacity=0)
    stride = rng.uniform(0.04, 0.16)
    for s in (-1, 1):
        c.paint(np.abs(c.x - 0.5 - s * stride * (1 - c.y / 0.9)) < 0.08, legs)
    c.paint(c.y > 0.88, legs, opacity=0)
    c.paint(np.abs(c.x - 0.5) < 0.24 - 0.1 * np.abs(c.y - 1.25), coat)
    c.paint((c.y > 1.5) | ((c.y < 0.75) & (np.abs(c.x - 0.5) > 0.3)), coat, opacity=0)
    if rng.random() < 0.4:
        c.paint(c.box(0.32, 0.68, 0.4, 0.9), coat)
    c.paint(c.disc(0.5, 1.64, 0.13), skin)
    c.paint(c.disc(0.5, 1.70, 0.12), rng.random(3) * 0.1)
    return c.texels()


def person(atlas: Atlas, variant: int) -> Mesh:
    """A card with a standing person of about 1.75 m, facing -y."""
    texture = atlas.number(f"person/{variant}", _person)
    return panel((0, 0, 0), 0, 1, 1.9 + 0.02 * (variant % 9), texture)


def lamp_post(atlas: Atlas, height: float = 5.0) -> Mesh:
    """An iron post with a glass lantern."""
    iron = atlas.bay("plain", "iron", "iron")
    pole = [(0.16, 0), (0.16, 0.5), (0.07, 0.7), (0.06, height - 0.9), (0.14, height - 0.8)]
    top = [(0.16, height - 0.8), (0.26, height - 0.15), (0.05, height + 0.15)]
    return merge(
        turned(0, 0, pole, iron, 6), turned(0, 0, top, atlas.number("lantern", _lantern), 6)
    )


def _lantern(rng: np.random.Generator) -> np.ndarray:
    c = Canvas("white", (1, 1), (8, 8), rng)
    c.paint(c.y >= 0, (0.75, 0.72, 0.62), lamp=1.0)
    return c.texels()


def _coach(decks: int, rng: np.random.Generator) -> np.ndarray:
    """The side of a bus, in light grey, so that a tint gives it its colour."""
    c = Canvas("white", (10, 2.1 * decks), (64, 128), rng)
    c.paint(c.y >= 0, (0.70, 0.70, 0.70), 0.0)
    for deck in range(decks):
        low = 0.95 + 2.0 * deck
        for x in np.arange(0.4, 9.5, 1.55):
            c.paint(c.box(x, x + 1.4, low, low + 0.85), (0.03, 0.035, 0.04), -0.05, 1.0, 0.8)
    c.paint(c.box(0, 10, 0, 0.3), (0.05, 0.05, 0.05))
    for x in (2.0, 8.0):
        c.paint(c.disc(x, 0.25, 0.5), (0.03, 0.03, 0.03))
    if decks > 1:
        c.paint(c.box(1.0, 7.0, 2.15, 2.75), rng.random(3) * 0.8)
    return c.texels()


def _car(rng: np.random.Generator) -> np.ndarray:
    c = Canvas("white", (4.3, 0.9), (16, 64), rng)
    c.paint(c.y >= 0, (0.72, 0.72, 0.72), 0.0)
    for x in (0.9, 3.4):
        c.paint(c.disc(x, 0.12, 0.36), (0.03, 0.03, 0.03))
    return c.texels()


def _cabin(rng: np.random.Generator) -> np.ndarray:
    c = Canvas("white", (2.2, 0.6), (16, 32), rng)
    c.paint(c.y >= 0, (0.72, 0.72, 0.72), 0.0)
    for x in (0.15, 1.15):
        c.paint(c.box(x, x + 0.9, 0.08, 0.5), (0.03, 0.035, 0.04), 0.0, 1.0)
    return c.texels()


def vehicle(atlas: Atlas, kind: str) -> Mesh:
    """A light grey car, van, bus or double (a bus with two decks), along x."""
    plain = atlas.bay("plain", "white", "white")
    if kind == "car":
        body, glass = atlas.number("car", _car), atlas.number("cabin", _cabin)
        hull, low, high = (
            rectangle(x, 0, length, width)
            for x, length, width in ((0, 4.3, 1.8), (0, 2.6, 1.65), (-0.1, 1.8, 1.45))
        )
        return merge(
            prism(hull, 0.15, 0.9, body, rows=1, bays=1),
            lid(hull, 0.9, plain),
            loft(low, 0.9, high, 1.45, glass, rows=1, bays=1),
            lid(high, 1.45, plain),
        )
    length, height, decks = {"van": (5.5, 2.4, 1), "bus": (11, 3.1, 1), "double": (10.5, 4.4, 2)}[
        kind
    ]
    side = atlas.number(f"coach/{decks}", lambda rng: _coach(decks, rng))
    return block(rectangle(0, 0, length, 2.4), 0.1, height, side, plain, rows=1, bays=1)


def flat(points: np.ndarray, z: float, texture: int) -> Mesh:
    """A level rectangle (4, 2) of ground; the texture repeats every four metres."""
    corners = np.column_stack([points, np.full(4, z)])
    size = np.linalg.norm([corners[1] - corners[0], corners[2] - corners[1]], axis=1)
    return faces(corners[None], texture, tuple(size / 4))
