"""Where the camera stands, what it aims at, and what comes between it and the subject."""

from dataclasses import dataclass

import numpy as np

from embedded_cities.mesh import Mesh, bounds, join, owned, place, tinted
from embedded_cities.props import TREES
from embedded_cities.raster import Camera, look_at
from embedded_cities.site import OTHER, Site

_MODES = {
    "good": {"clear": 1.0},
    "ok": {"crop": 0.3, "zoom": 0.2, "trees": 0.2, "vehicle": 0.12, "house": 0.18},
    "junk": {"crop": 0.35, "zoom": 0.15, "trees": 0.15, "vehicle": 0.15, "house": 0.2},
}
"""What keeps the subject from showing, and how often."""
_FILL = {
    ("ok", "crop"): (0.7, 1.5),
    ("junk", "crop"): (0.7, 1.5),
    ("ok", "zoom"): (1.25, 2.1),
    ("junk", "zoom"): (2.2, 4.5),
}
"""Size of the subject over the size of the picture; for all others, see _least_fill."""
_PUSH = {("ok", "crop"): (0.25, 0.75), ("junk", "crop"): (0.6, 1.15)}
"""How far the subject is pushed out of the frame, in halves of both sizes."""
_WIDEST = 0.62
"""Focal length over the longest side of the widest lens in use."""

_LIVERIES = ((0.9, 0.12, 0.08), (0.15, 0.5, 0.3), (0.95, 0.95, 0.9), (0.2, 0.3, 0.8))
"""Colours of buses."""


@dataclass(frozen=True)
class Shot:
    """A camera and the whole mesh of faces that it may see."""

    camera: Camera
    mesh: Mesh
    azimuth: float


def propose(site: Site, category: str, size: int, variety: float, rng: np.random.Generator) -> Shot:
    """A random shot meant to show as much of the subject as the category says.

    size: longest side in pixels.  variety: 0 (all from about the same place) to 1.  How much
    shows in fact has to be measured.
    """
    modes = _MODES[category]
    mode = str(rng.choice(list(modes), p=list(modes.values())))
    low, high = site.low, site.high
    centre, extent = (low + high) / 2, high - low
    azimuth = _azimuth(variety, rng)
    reach = np.linalg.norm(extent) / 2
    distance = reach * 1.25 * 3 ** rng.uniform(0, 0.3 + 0.7 * variety)
    eye = 1.65 + rng.normal(0, 0.1) if rng.random() < 0.7 else rng.uniform(2.5, 12)
    spot = centre[:2] + distance * np.array([np.sin(azimuth), -np.cos(azimuth)])
    position = np.array([*spot, eye])
    camera = _aim(site, position, mode, category, size, variety, rng)
    parts = [site.subject, site.ground, site.skyline]
    parts += [m for m, at in site.neighbours if not _in_the_way(at, camera, centre, extent)]
    for x, y, height, kind in site.trees:
        if np.hypot(x - spot[0], y - spot[1]) > 8:
            parts.append(place(site.stock.trees[kind], x, y, _facing(camera, (x, y)), height))
    parts += bystanders(site, camera, distance, rng)
    if mode in ("trees", "vehicle", "house"):
        parts += _blockers(site, camera, distance, mode, category == "junk", rng)
    return Shot(camera, join([parts[0], parts[1], *(owned(p, OTHER) for p in parts[2:])]), azimuth)


def _azimuth(variety: float, rng: np.random.Generator) -> float:
    """Radians from the front: at most mostly within 55 degrees, one in nine from the side."""
    if rng.random() < 0.11 * variety:
        return float(np.radians(rng.uniform(55, 100)) * rng.choice([-1, 1]))
    spread = 5 + 24 * variety
    return float(np.radians(np.clip(rng.normal(0, spread), -2 * spread, 2 * spread)))


def _least_fill(variety: float) -> float:
    """The least size of a subject that is wholly in the picture, over the picture's size."""
    return 0.92 - 0.45 * variety


def _frame(aspect: float, size: int) -> tuple[int, int]:
    """Width and height of a picture that suits a subject of this width over height."""
    aspect = min(max(aspect, 2 / 3), 3 / 2)
    short = int(size * min(aspect, 1 / aspect)) // 4 * 4
    return (size, short) if aspect >= 1 else (short, size)


def _aim(
    site: Site,
    position: np.ndarray,
    mode: str,
    category: str,
    size: int,
    variety: float,
    rng: np.random.Generator,
) -> Camera:
    """A camera whose focal length and aim make the subject fill the intended share of it."""
    low, high = site.low, site.high
    target = (low + high) / 2
    target[2] = position[2] + (target[2] - position[2]) * rng.uniform(0.8, 1.1)
    roll = rng.normal(0, 0.015)
    probe = look_at(position, target, 1.0, (size, size), roll)
    points = probe.project(site.subject.corners.reshape(-1, 3))
    points = points[points[:, 2] > 1, :2] - probe.centre
    first, last = points.min(axis=0), points.max(axis=0)
    # Photographers turn the camera to suit the subject, and cut their pictures.
    frame = _frame(float((last - first)[0] / (last - first)[1]) * rng.uniform(0.85, 1.2), size)
    fill = rng.uniform(*_FILL.get((category, mode), (_least_fill(variety), 1.0)))
    focal = max(fill * float((frame / (last - first)).min()), _WIDEST * size)
    extent = (last - first) * focal
    # Where the middle of the picture lies, from the target: anywhere that keeps the subject whole.
    offset = (first + last) / 2 * focal
    offset += rng.uniform(-0.35, 0.35, 2) * np.maximum(frame - extent, 0)
    if mode == "zoom":
        offset += rng.uniform(-0.25, 0.25, 2) * extent
    if (category, mode) in _PUSH:
        turn, push = rng.uniform(0, 2 * np.pi), rng.uniform(*_PUSH[category, mode])
        offset += push * (extent + frame) / 2 * np.array([np.cos(turn), 0.6 * np.sin(turn)])
    ray = probe.rotation.T @ np.array([*(offset / focal), 1.0])
    return look_at(position, position + ray, focal, frame, roll)


def _in_the_way(at: np.ndarray, camera: Camera, centre: np.ndarray, extent: np.ndarray) -> bool:
    """Whether a building at (x, y) would hide the subject or swallow the camera."""
    there = centre[:2] - camera.position[:2]
    distance = np.linalg.norm(there)
    forward = there / distance
    offset = at - camera.position[:2]
    depth = offset @ forward
    aside = abs(offset @ np.array([forward[1], -forward[0]]))
    if np.hypot(*offset) < 26:
        return True
    return depth < distance and aside < np.hypot(*extent[:2]) / 2 * depth / distance + 17


def _spot(camera: Camera, depth: float, aside: float) -> np.ndarray:
    """Ground point (x, y) at a depth and a distance to the right of the line of sight."""
    forward = camera.rotation[2, :2] / np.linalg.norm(camera.rotation[2, :2])
    return camera.position[:2] + forward * depth + np.array([forward[1], -forward[0]]) * aside


def _facing(camera: Camera, at: np.ndarray | tuple[float, float]) -> float:
    """The turn (see shapes.panel) with which something at (x, y) looks at the camera."""
    x, y = camera.position[:2] - at
    return float(np.arctan2(x, -y))


def bystanders(site: Site, camera: Camera, distance: float, rng: np.random.Generator) -> list[Mesh]:
    """People, lamp posts and cars that stand about in front of the subject."""
    stock, parts = site.stock, []
    half = camera.width / camera.focal / 2

    def somewhere(near: float, share: float) -> np.ndarray:
        depth = rng.uniform(near, max(share * distance, near + 4))
        return _spot(camera, depth, rng.uniform(-1, 1) * half * depth)

    for _ in range(int(rng.integers(0, 9))):
        at = somewhere(7, 0.85)
        parts.append(place(_any(stock.people, rng), *at, _facing(camera, at)))
    for _ in range(int(rng.integers(0, 4))):
        parts.append(place(_any(stock.lamps, rng), *somewhere(8, 0.8)))
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        car = stock.vehicles[str(rng.choice(["car", "car", "van"]))]
        paint = rng.random() ** 1.5 * 0.9 + 0.1 + rng.uniform(-0.05, 0.2, 3)
        turn = rng.choice([0, np.pi]) + rng.normal(0, 0.3)
        parts.append(place(tinted(car, paint), *somewhere(12, 0.7), turn))
    return parts


def _any(things: tuple[Mesh, ...], rng: np.random.Generator) -> Mesh:
    return things[rng.integers(len(things))]


def _blockers(
    site: Site, camera: Camera, distance: float, mode: str, heavy: bool, rng: np.random.Generator
) -> list[Mesh]:
    """Large things between the camera and the subject; heavy ones are meant to hide most of it."""
    stock, extent = site.stock, site.high - site.low
    half = np.hypot(*extent[:2]) / 2
    if mode == "trees":
        parts = []
        for _ in range(int(rng.integers(4, 8) if heavy else rng.integers(1, 4))):
            share = rng.uniform(0.2, 0.55)
            at = _spot(camera, max(share * distance, 7), rng.uniform(-0.9, 0.9) * half * share)
            height = extent[2] * share * rng.uniform(0.9, 1.6) * (1.5 if heavy else 1) + 3
            leafy = rng.choice([i for i, kind in enumerate(TREES) if kind != "bare"])
            parts.append(place(stock.trees[leafy], *at, _facing(camera, at), height))
        return parts
    if mode == "vehicle":
        kind = str(rng.choice(["bus", "double"] if heavy else ["van", "bus", "double"]))
        depth = rng.uniform(5, 8) if heavy else rng.uniform(6.5, 14)
        at = _spot(camera, depth, rng.normal(0, 1.5))
        coach = tinted(stock.vehicles[kind], _LIVERIES[rng.integers(len(_LIVERIES))])
        return [place(coach, *at, _facing(camera, at) + rng.normal(0, 0.25))]
    house = _any(stock.houses, rng)
    low, high = bounds(house)
    share, side = rng.uniform(0.35, 0.6), rng.choice([-1, 1])
    cover = rng.uniform(0.7, 1.0) if heavy else rng.uniform(0.3, 0.6)
    # The inner edge of the house stands where it hides that share of the subject's width.
    edge = side * half * share * (1 - 2 * cover)
    middle = edge + side * (high[0] - low[0]) / 2
    forward = camera.rotation[2]
    turn = np.arctan2(-forward[0], forward[1])
    return [place(house, *_spot(camera, max(share * distance, 10), middle), turn)]
