"""A place: a subject, the ground around it, neighbouring buildings, trees and a far skyline."""

from dataclasses import dataclass

import numpy as np

from embedded_cities import oxford, paris
from embedded_cities.atlas import Atlas
from embedded_cities.mesh import Mesh, bounds, join, owned, place, tinted
from embedded_cities.ordinary import ordinary
from embedded_cities.props import TREES, flat
from embedded_cities.shade import GROUND
from embedded_cities.shapes import rectangle
from embedded_cities.stock import Stock, around

SUBJECT, OTHER = 1, 2
"""Owners of faces: the landmark (or what stands in its place), and everything else that rises."""
STYLES = {"oxford": oxford, "paris": paris}


@dataclass(frozen=True)
class Site:
    """A place with its subject around the origin.

    subject, ground, skyline: meshes.  neighbours: mesh and its (x, y).  trees: (x, y, height,
    index of the kind).  low, high: corners of the box around the subject, metres.
    """

    stock: Stock
    subject: Mesh
    low: np.ndarray
    high: np.ndarray
    ground: Mesh
    skyline: Mesh
    neighbours: tuple[tuple[Mesh, np.ndarray], ...]
    trees: tuple[tuple[float, float, float, int], ...]


def _ground(atlas: Atlas, low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> Mesh:
    """A base, an apron around the subject, and mostly a street or a lawn in front."""
    base, inner = (str(s) for s in rng.choice(["setts", "paving", "asphalt", "gravel", "lawn"], 2))
    margin = rng.uniform(3, 14)
    middle, size = (low + high) / 2, high - low
    front = low[1] - margin
    layers = [
        ("paving" if base == "lawn" else base, rectangle(0, 0, 900, 900)),
        (inner, rectangle(middle[0], middle[1], size[0] + 2 * margin, size[1] + 2 * margin)),
    ]
    kind = rng.choice(["street", "lawn", "square"], p=[0.55, 0.25, 0.2])
    if kind == "street":
        street = front - rng.uniform(3, 10) - 4
        layers += [
            ("paving", rectangle(0, street, 600, 13)),
            ("asphalt", rectangle(0, street, 600, 8)),
        ]
    elif kind == "lawn":
        layers += [
            ("lawn", rectangle(middle[0], front - 22, size[0] + 30, 36)),
            ("gravel", rectangle(middle[0], front - 22, 6, 36)),
        ]
    if inner == "lawn":
        layers.append(("paving", rectangle(middle[0], front + margin / 2, 4, margin + 4)))
    # Each layer lies a little higher, so that the later one covers the earlier.
    sheets = [
        flat(outline, 0.03 * i - 0.03, atlas.bay("plain", name, name))
        for i, (name, outline) in enumerate(layers)
    ]
    return owned(join(sheets), GROUND)


def _surround(stock: Stock, subject: Mesh, rng: np.random.Generator) -> Site:
    low, high = bounds(subject)
    centre, reach = (low + high) / 2, float(np.hypot(*(high - low)[:2]) / 2)
    neighbours = []
    for angle in np.arange(11) * 2 * np.pi / 11 + rng.uniform(-0.2, 0.2, 11):
        x, y, turn = around(centre, angle, reach + rng.uniform(12, 40))
        house = stock.houses[rng.integers(len(stock.houses))]
        neighbours.append((owned(place(house, x, y, turn), OTHER), np.array([x, y])))
    trees = []
    for _ in range(int(rng.integers(2, 10))):
        x, y, _ = around(centre, rng.uniform(0.6, 5.7), reach * rng.uniform(0.9, 1.5) + 4)
        trees.append((x, y, rng.uniform(6, 14), int(rng.integers(len(TREES)))))
    skyline = owned(place(stock.skyline, 0, 0, rng.uniform(0, 2 * np.pi)), OTHER)
    return Site(
        stock,
        owned(subject, SUBJECT),
        low,
        high,
        _ground(stock.atlas, low, high, rng),
        skyline,
        tuple(neighbours),
        tuple(trees),
    )


def landmark_site(name: str, stock: Stock, rng: np.random.Generator) -> Site:
    """The place of one landmark: its proportions, materials and surroundings come from rng."""
    city = STYLES[stock.style]
    subject = city.LANDMARKS[name](city.kit_for(stock.atlas, name), rng)
    tone = rng.uniform(0.88, 1.06) * (1 + rng.uniform(-0.05, 0.05, 3))
    return _surround(stock, tinted(subject, tone), rng)


def ordinary_site(stock: Stock, rng: np.random.Generator) -> Site:
    """A place whose subject is an ordinary building, mostly one that stands nowhere else."""
    parts = [ordinary(stock.style, stock.atlas, rng)]
    if rng.random() < 0.5:
        other = stock.houses[rng.integers(len(stock.houses))]
        gap = bounds(parts[0])[1][0] - bounds(other)[0][0]
        parts.append(place(other, gap + rng.uniform(-0.2, 4), 0))
    return _surround(stock, join(parts), rng)
