"""What a city has many of, built once: ordinary houses, lamp posts, cars, a far skyline."""

from dataclasses import dataclass

import numpy as np

from embedded_cities.atlas import Atlas, Kit
from embedded_cities.mesh import Mesh, place, tinted
from embedded_cities.ordinary import ordinary
from embedded_cities.props import TREES, lamp_post, person, tree, vehicle
from embedded_cities.shapes import hip, merge, prism, rectangle

_HOUSES, _FAR_HOUSES = 36, 30


@dataclass(frozen=True)
class Stock:
    """Meshes around the origin, facing -y; people and trees are cards facing -y, trees 1 m high.

    skyline: a ring of far houses around the origin.
    """

    style: str
    atlas: Atlas
    houses: tuple[Mesh, ...]
    lamps: tuple[Mesh, ...]
    people: tuple[Mesh, ...]
    trees: tuple[Mesh, ...]
    vehicles: dict[str, Mesh]
    skyline: Mesh


def around(centre: np.ndarray, angle: float, distance: float) -> tuple[float, float, float]:
    """x, y and turn of something that faces the centre from an angle (from the front, radians)."""
    x, y = centre[0] + distance * np.sin(angle), centre[1] - distance * np.cos(angle)
    return x, y, angle + np.pi


def _skyline(atlas: Atlas, style: str, rng: np.random.Generator) -> Mesh:
    wall = {"oxford": "sandstone", "paris": "limestone"}[style]
    kit = Kit(atlas, wall, wall, "slate")
    parts = []
    for i in range(_FAR_HOUSES):
        angle = (i + rng.uniform(-0.3, 0.3)) * 2 * np.pi / _FAR_HOUSES
        width, tall = rng.uniform(22, 48), rng.uniform(7, 17)
        house = merge(
            prism(rectangle(0, 6, width, 12), 0, tall, kit("sash"), rows=max(2, round(tall / 3.6))),
            hip(0, 6, width, 12, tall, rng.uniform(2, 6), kit.tiles),
        )
        spot = around(np.zeros(2), angle, rng.uniform(140, 230))
        parts.append(tinted(place(house, *spot), rng.uniform(0.6, 1.0) * np.ones(3)))
    return merge(parts)


def stock(style: str, atlas: Atlas, rng: np.random.Generator) -> Stock:
    """The stock of a city; style is "oxford" or "paris"."""
    return Stock(
        style,
        atlas,
        tuple(ordinary(style, atlas, rng) for _ in range(_HOUSES)),
        tuple(lamp_post(atlas, height) for height in (4.2, 5.0, 6.5)),
        tuple(person(atlas, variant) for variant in range(12)),
        tuple(tree(atlas, kind) for kind in TREES),
        {kind: vehicle(atlas, kind) for kind in ("car", "van", "bus", "double")},
        _skyline(atlas, style, rng),
    )
