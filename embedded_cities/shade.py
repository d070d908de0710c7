"""Turns a scene into linear light: textures, sun and shadow, sky light, panes, lamps, haze."""

from dataclasses import dataclass

import numpy as np

from embedded_cities.light import Light, lookup, sky, unit
from embedded_cities.materials import noise
from embedded_cities.mesh import Mesh, bounds, select
from embedded_cities.raster import Camera
from embedded_cities.texels import GLASS, LAMP, SLOPE_X, SLOPE_Y, Texels
from embedded_cities.visible import Shadows, coordinates, density, filter_level, visible

GROUND = 0
"""Owner of the ground: it casts no shadow."""
_GRIME = noise(np.random.default_rng(9), (256, 256), 1.3).astype(np.float32)
_COLUMNS = (4, 8, 11, 14, 17, 20)
_LAMPLIGHT = np.array([0.57, 0.37, 0.17], np.float32)
_FLOODLIGHT = np.array([1.0, 0.72, 0.42], np.float32)
_SNOW = np.array([0.78, 0.80, 0.83], np.float32)


@dataclass(frozen=True)
class Scene:
    """What the renderer needs: mesh, its textures, and the light."""

    mesh: Mesh
    texels: Texels
    light: Light


@dataclass(frozen=True)
class _Hits:
    """What the N pixels that show a face look at; all arrays have N rows and are float32.

    flat: normal of the face.  normal: the same with the relief of the texture.
    facing: cosine between the face and the line of sight.  window: a number in 0..1 for each
    repeat of the texture.
    """

    points: np.ndarray
    view: np.ndarray
    depth: np.ndarray
    flat: np.ndarray
    normal: np.ndarray
    facing: np.ndarray
    albedo: np.ndarray
    texel: np.ndarray
    window: np.ndarray
    ground: np.ndarray


def _hits(
    scene: Scene, camera: Camera, face: np.ndarray, ray: np.ndarray, depth: np.ndarray
) -> _Hits:
    mesh, texels = scene.mesh, scene.texels
    points = camera.position.astype(np.float32) + ray * depth[:, None]
    view = unit(ray)
    # One table, one gather: the columns of a face lie side by side in memory.
    columns = [mesh.across, mesh.up, mesh.normal, unit(mesh.across[:, :3]), unit(mesh.up[:, :3])]
    columns += [mesh.tint, density(mesh, texels)[:, None]]
    table = np.concatenate(columns, axis=1).astype(np.float32).take(face, axis=0)
    across, up, flat, rightward, upward, tint, detail = np.split(table, _COLUMNS, axis=1)
    facing = np.clip(np.abs(np.einsum("ni,ni->n", flat, view)), 0.08, 1)
    u, v = coordinates(across, points), coordinates(up, points)
    footprint = depth / np.float32(camera.focal) * detail[:, 0] / np.sqrt(facing)
    texel = texels.sample(mesh.texture.take(face), u, v, filter_level(footprint))
    texel = texel.astype(np.float32) / np.float32(255)
    slope_x, slope_y = texel[:, SLOPE_X, None] * 2 - 1, texel[:, SLOPE_Y, None] * 2 - 1
    normal = unit(flat + slope_x * rightward + slope_y * upward)
    window = np.floor(u) * np.float32(12.9898) + np.floor(v) * np.float32(78.233) + face * 3.77
    window = (np.abs(np.sin(window) * 43758.5453) % 1).astype(np.float32)
    return _Hits(
        points,
        view,
        depth,
        flat,
        normal,
        facing,
        texel[:, :3] ** 2 * tint,
        texel,
        window,
        mesh.owner.take(face) == GROUND,
    )


def _albedo(light: Light, hits: _Hits) -> np.ndarray:
    """Colour of the surfaces (N, 3) with weathering, snow and rain."""
    x, y, z = hits.points.T
    grime = lookup(_GRIME, (x + 0.7 * z) / 43, (y + z) / 37)
    albedo = hits.albedo * np.clip(0.95 + 0.10 * grime, 0.6, 1.15)[:, None]
    if light.snow:
        cover = np.clip((hits.flat[:, 2] - 0.35) * 2.5 + 0.25 * grime, 0, 0.95)[:, None]
        albedo += cover * (_SNOW - albedo)
    if light.wet:
        albedo *= np.where(hits.ground, np.float32(1 - 0.45 * light.wet), np.float32(1))[:, None]
    return albedo


def _arriving(
    scene: Scene,
    camera: Camera,
    hits: _Hits,
    centre: np.ndarray,
    radius: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of the sun's incidence (N,), zero in shadow, and the share of the sky in view (N,)."""
    light = scene.light
    sunny = light.sunlight.max() > 0.6
    direction = light.sun.astype(float)
    if not sunny:
        # A wide sky casts no sharp shadows but leaves recesses dark.  One slanted direction from
        # the viewer's side, strongly blurred, is enough to show columns in front of a wall.
        back = camera.position - centre
        direction = np.array([*(0.6 * back[:2] / np.linalg.norm(back[:2])), 0.8])
    casting = select(scene.mesh, scene.mesh.owner != GROUND)
    shadows = Shadows(casting, scene.texels, direction, centre, radius)
    direct = np.clip(hits.normal @ light.sun, 0, 1) * (hits.flat @ light.sun > 0)
    if sunny:
        facing = np.flatnonzero(direct)
        jitter = rng.uniform(-0.9, 0.9, (len(facing), 2)).astype(np.float32)
        direct[facing] *= shadows.sunlit(hits.points[facing], hits.flat[facing], jitter)
        return direct, np.ones(len(direct), np.float32)
    jitter = rng.uniform(-4, 4, (len(direct), 2)).astype(np.float32)
    openness = shadows.sunlit(hits.points, hits.flat, jitter)
    return direct, np.float32(0.55) + np.float32(0.45) * openness


def _colour(
    scene: Scene, hits: _Hits, direct: np.ndarray, openness: np.ndarray, drift: float
) -> np.ndarray:
    """Light (N, 3) that the surfaces send to the camera; see _arriving and light.sky."""
    light = scene.light
    albedo, upward, height = _albedo(light, hits), hits.normal[:, 2], hits.points[:, 2]
    open_sky = 0.5 + 0.5 * upward
    # Close to the ground walls see less sky and more of each other.
    corner = np.where(hits.ground, np.float32(1), 0.62 + 0.38 * np.clip(height / 3, 0, 1))
    dome = np.float32(0.45) * light.zenith + np.float32(0.55) * light.horizon
    arriving = light.sunlight * direct[:, None] + dome * (open_sky * corner * openness)[:, None]
    arriving += light.bounce * (1 - np.float32(0.7) * open_sky)[:, None]
    if light.flood:
        beam = light.flood * (1 - np.abs(upward)) * np.exp(-np.clip(height, 0, 99) / 30)
        arriving += (beam * ~hits.ground).astype(np.float32)[:, None] * _FLOODLIGHT
    colour = albedo * arriving
    shiny = hits.texel[:, GLASS]
    if light.wet:
        shiny = np.maximum(shiny, np.float32(0.35 * light.wet) * hits.ground)
    panes = np.flatnonzero(shiny > 0.05)
    view, normal = hits.view[panes], hits.normal[panes]
    mirror = view - 2 * np.einsum("ni,ni->n", view, normal)[:, None] * normal
    grazing = np.float32(0.08) + np.float32(0.55) * (1 - hits.facing[panes]) ** 2
    colour[panes] += (shiny[panes] * grazing)[:, None] * sky(light, mirror, drift)
    if light.lit:
        lamp = hits.texel[:, LAMP]
        colour += (lamp * ((hits.window < light.lit) | (lamp > 0.9)))[:, None] * _LAMPLIGHT
    fog = (1 - np.exp(-hits.depth * np.float32(light.haze)))[:, None]
    return colour + fog * (light.horizon - colour)


def shade(
    scene: Scene, camera: Camera, centre: np.ndarray, radius: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Render one picture.

    centre (3,), radius: the ball in metres whose shadows are computed.
    Returns linear colour (height, width, 3) float32 and the face index (height, width).
    """
    ids, inverse = visible(scene.mesh, scene.texels, camera)
    rays = camera.rays().reshape(-1, 3)
    hit, empty = np.flatnonzero(ids.ravel() >= 0), np.flatnonzero(ids.ravel() < 0)
    drift = float(rng.random())
    out = np.empty((ids.size, 3), np.float32)
    out[empty] = sky(scene.light, rays.take(empty, axis=0), drift)
    hits = _hits(scene, camera, ids.take(hit), rays.take(hit, axis=0), 1 / inverse.take(hit))
    direct, openness = _arriving(scene, camera, hits, centre, radius, rng)
    out[hit] = _colour(scene, hits, direct, openness, drift)
    return out.reshape(*ids.shape, 3), ids


def reach(mesh: Mesh) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of a ball around a mesh, metres."""
    low, high = bounds(mesh)
    return (low + high) / 2, float(np.linalg.norm(high - low) / 2)
