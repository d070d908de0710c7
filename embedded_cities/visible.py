"""Which face shows at each pixel, seen from the camera or from the sun; holes are open."""

import numpy as np

from embedded_cities.mesh import Mesh, select
from embedded_cities.raster import Camera, draw, fill
from embedded_cities.texels import OPACITY, OPAQUE, Texels

SHADOW_SIDE = 320
"""Pixels a side of the picture that the sun takes."""


def coordinates(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Texture coordinates (N,) of points (N, 3) under the affine functions (N, 4)."""
    return np.einsum("ni,ni->n", affine[:, :3], points) + affine[:, 3]


def density(mesh: Mesh, texels: Texels) -> np.ndarray:
    """Texels per metre (F,) float32, the mean of the two directions."""
    wide = np.linalg.norm(mesh.across[:, :3], axis=1) * (1 << texels.width_bits[mesh.texture])
    high = np.linalg.norm(mesh.up[:, :3], axis=1) * (1 << texels.height_bits[mesh.texture])
    return np.sqrt(wide * high).astype(np.float32)


def filter_level(footprint: np.ndarray) -> np.ndarray:
    """Filter level for pixels that cover `footprint` texels a side."""
    return np.maximum(np.log2(np.maximum(footprint, 1e-3)) + 0.4, 0).astype(np.int32)


def _opaque(mesh: Mesh, texels: Texels, face, points, footprint) -> np.ndarray:
    u, v = coordinates(mesh.across[face], points), coordinates(mesh.up[face], points)
    texel = texels.sample(mesh.texture[face], u, v, filter_level(footprint))
    return texel[:, OPACITY] >= OPAQUE


def visible(mesh: Mesh, texels: Texels, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Face index (height, width), -1 for the sky, and inverse depth; see raster.draw."""
    toward = camera.position - mesh.corners[:, 0]
    facing = np.einsum("fi,fi->f", mesh.normal, toward) > 0
    chosen = np.flatnonzero(facing | texels.cutout[mesh.texture])
    part = select(mesh, chosen)
    holes, detail = texels.cutout[part.texture], density(part, texels)
    right, down, forward = camera.rotation

    def keep(face, x, y, key):
        kept = np.ones(len(face), bool)
        some = np.flatnonzero(holes[face])
        f, depth = face[some], 1 / key[some]
        across = (x[some] + 0.5 - camera.centre[0]) / camera.focal
        below = (y[some] + 0.5 - camera.centre[1]) / camera.focal
        ray = across[:, None] * right + below[:, None] * down + forward
        points = camera.position + ray * depth[:, None]
        kept[some] = _opaque(part, texels, f, points, depth / camera.focal * detail[f])
        return kept

    ids, inverse = draw(part.corners, camera, keep)
    return np.where(ids < 0, -1, chosen[ids]), inverse


class Shadows:
    """Depth seen from the sun over a ball (centre, radius) of a mesh of shadow casters."""

    def __init__(
        self, mesh: Mesh, texels: Texels, sun: np.ndarray, centre: np.ndarray, radius: float
    ):
        right = np.cross((0.0, 0.0, 1.0), sun)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(right, sun), sun])
        scale = SHADOW_SIDE / (2 * radius)
        mesh = select(mesh, (mesh.normal @ sun > 0.02) | texels.cutout[mesh.texture])
        local = (mesh.corners - centre) @ axes.T
        normal = np.cross(local[:, 1] - local[:, 0], local[:, 3] - local[:, 0])
        steep = np.where(np.abs(normal[:, 2]) < 1e-6, np.inf, normal[:, 2]) * scale
        screen = local[..., :2] * scale + SHADOW_SIDE / 2
        plane = np.zeros((len(local), 3))
        plane[:, :2] = -normal[:, :2] / steep[:, None]
        plane[:, 2] = local[:, 0, 2] - (plane[:, :2] * screen[:, 0]).sum(axis=1)
        holes, detail = texels.cutout[mesh.texture], density(mesh, texels)

        def keep(face, x, y, key):
            kept = np.ones(len(face), bool)
            some = np.flatnonzero(holes[face])
            f = face[some]
            flat = np.stack([x[some] + 0.5, y[some] + 0.5], axis=1) - SHADOW_SIDE / 2
            points = np.column_stack([flat / scale, key[some]]) @ axes + centre
            kept[some] = _opaque(mesh, texels, f, points, detail[f] / scale)
            return kept

        _, self._depth = fill(screen, plane, SHADOW_SIDE, SHADOW_SIDE, keep)
        self._axes, self._scale = axes.astype(np.float32), np.float32(scale)
        self._centre = centre.astype(np.float32)

    def sunlit(self, points: np.ndarray, normal: np.ndarray, jitter: np.ndarray) -> np.ndarray:
        """Whether points (N, 3) see the sun, (N,) bool; outside the ball they do.

        jitter: (N, 2) shifts in shadow pixels, which soften the edges.
        """
        # Moving along the normal keeps a face from shading itself.
        local = (points + normal * (1.2 / self._scale) - self._centre) @ self._axes.T
        x, y = (local[:, :2] * self._scale + SHADOW_SIDE / 2 + jitter).T
        inside = (x > 0) & (x < SHADOW_SIDE) & (y > 0) & (y < SHADOW_SIDE)
        column = np.clip(x, 0, SHADOW_SIDE - 1).astype(np.int32)
        row = np.clip(y, 0, SHADOW_SIDE - 1).astype(np.int32)
        nearest = self._depth.take(row * SHADOW_SIDE + column)
        return ~(inside & (nearest > local[:, 2] + 1.0 / self._scale))
