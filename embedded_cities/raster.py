"""A pinhole camera and a z-buffer that fills all faces of a scene in one batch of array operations.

World axes: x to the right, y away from the viewer, z up, metres.  Picture axes: x to the right,
y down, pixels, with the centre of the first pixel at (0.5, 0.5).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

NEAR = 0.3
"""Distance in metres below which nothing is drawn."""

Keep = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    position: (3,) metres.  rotation: (3, 3), rows are the right, down and forward directions.
    focal, centre: pixels.  width, height: pixels.
    """

    position: np.ndarray
    rotation: np.ndarray
    focal: float
    centre: tuple[float, float]
    width: int
    height: int

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) in camera axes (right, down, forward), metres."""
        return (points - self.position) @ self.rotation.T

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) as (..., 3): pixel x, pixel y, depth in metres."""
        local = self.to_camera(points)
        depth = local[..., 2]
        x = self.centre[0] + self.focal * local[..., 0] / depth
        y = self.centre[1] + self.focal * local[..., 1] / depth
        return np.stack([x, y, depth], axis=-1)

    def rays(self) -> np.ndarray:
        """World directions (height, width, 3) of the pixel centres, with depth one."""
        x = (np.arange(self.width) + 0.5 - self.centre[0]) / self.focal
        y = (np.arange(self.height) + 0.5 - self.centre[1]) / self.focal
        right, down, forward = self.rotation.astype(np.float32)
        across = x.astype(np.float32)[None, :, None] * right
        return across + y.astype(np.float32)[:, None, None] * down + forward

    def scaled(self, factor: float) -> "Camera":
        """The same view with `factor` times as many pixels a side."""
        return replace(
            self,
            focal=self.focal * factor,
            centre=(self.centre[0] * factor, self.centre[1] * factor),
            width=round(self.width * factor),
            height=round(self.height * factor),
        )


def look_at(
    position: np.ndarray, target: np.ndarray, focal: float, size: tuple[int, int], roll: float = 0.0
) -> Camera:
    """A camera at `position` whose picture centre shows `target`; roll in radians, clockwise."""
    forward = np.asarray(target, float) - position
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll), np.sin(roll)
    rotation = np.stack([cos * right + sin * down, cos * down - sin * right, forward])
    width, height = size
    return Camera(np.asarray(position, float), rotation, focal, (width / 2, height / 2), *size)


def _clip_near(corners: np.ndarray) -> np.ndarray:
    """The part of convex polygons (F, 4, 3), camera axes, beyond NEAR, as (F, 5, 3)."""
    out = np.repeat(corners[:, -1:], 5, axis=1)
    out[:, :4] = corners
    behind = corners[..., 2] < NEAR
    for i in np.flatnonzero(behind.any(axis=1)):
        kept = []
        for a, b in zip(corners[i], np.roll(corners[i], -1, axis=0), strict=True):
            if a[2] >= NEAR:
                kept.append(a)
            if (a[2] >= NEAR) != (b[2] >= NEAR):
                kept.append(a + (b - a) * ((NEAR - a[2]) / (b[2] - a[2])))
        out[i] = kept[-1]
        out[i, : len(kept)] = kept
    return out


def fill(
    polygons: np.ndarray, keys: np.ndarray, width: int, height: int, keep: Keep | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Fill convex polygons; at each pixel the one with the largest key wins.

    polygons: (F, K, 2) pixels, either winding.  keys: (F, 3), the key at (x, y) is
    keys @ (x, y, 1).  keep(face, x, y, key) may refuse single pixels (holes in a face).
    Returns the polygon index (height, width) int32, -1 where empty, and the key, float32.
    """
    after = np.roll(polygons, -1, axis=1)
    cross = polygons[..., 0] * after[..., 1] - after[..., 0] * polygons[..., 1]
    wind = np.where(cross.sum(axis=1) < 0, -1.0, 1.0)[:, None]
    edge_x = (polygons[..., 1] - after[..., 1]) * wind
    edge_y = (after[..., 0] - polygons[..., 0]) * wind
    edge_c = cross * wind

    # One entry for each (face, row), then one for each covered pixel: spans, so that nothing
    # outside a face is ever visited and small faces cost no Python call of their own.
    top = np.clip(np.ceil(polygons[..., 1].min(axis=1) - 0.5), 0, height).astype(np.int32)
    bottom = np.clip(np.ceil(polygons[..., 1].max(axis=1) - 0.5), 0, height).astype(np.int32)
    face, row = _expand(top, bottom)
    y = row + 0.5
    slope = edge_x[face]
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = -(edge_y[face] * y[:, None] + edge_c[face]) / slope
    left = np.where(slope > 0, bound, -np.inf).max(axis=1)
    right = np.where(slope < 0, bound, np.inf).min(axis=1)
    start = np.clip(np.ceil(left - 0.5), 0, width).astype(np.int32)
    stop = np.clip(np.ceil(right - 0.5), 0, width).astype(np.int32)
    span, x = _expand(start, stop)
    base = (keys[face, 1] * y + keys[face, 2] + keys[face, 0] * 0.5).astype(np.float32)
    step = keys[:, 0].astype(np.float32).take(face)
    key = base.take(span) + step.take(span) * x.astype(np.float32)
    pixel = (row * width).take(span) + x
    owner = face.take(span)
    if keep is not None:
        kept = keep(owner, x, row.take(span), key)
        pixel, owner, key = pixel[kept], owner[kept], key[kept]

    best = np.full(width * height, -np.inf, np.float32)
    np.maximum.at(best, pixel, key)
    won = key == best.take(pixel)
    ids = np.full(width * height, -1, np.int32)
    ids[pixel[won]] = owner[won]
    return ids.reshape(height, width), best.reshape(height, width)


def _expand(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All integers of the half-open ranges start..stop, with the index of their range."""
    count = np.maximum(stop - start, 0)
    index = np.repeat(np.arange(len(count), dtype=np.int32), count)
    first = np.cumsum(count, dtype=np.int32) - count
    value = np.arange(len(index), dtype=np.int32) + (start - first).astype(np.int32).take(index)
    return index, value


def draw(
    corners: np.ndarray, camera: Camera, keep: Keep | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw convex faces (F, 4, 3) in metres through a camera.

    Returns the face index (height, width), -1 where empty, and the inverse depth in 1 / metres.
    """
    local = camera.to_camera(corners)
    shown = np.flatnonzero((local[..., 2] >= NEAR).any(axis=1))
    local = _clip_near(local[shown])
    screen = local[..., :2] / local[..., 2:]
    normal = np.cross(local[:, 1] - local[:, 0], local[:, 3] - local[:, 0])
    level = np.einsum("fi,fi->f", normal, local[:, 0])
    # The inverse depth of a plane is affine in the picture: n.(x, y, 1) / (n.p) for p on it.
    safe = np.where(np.abs(level) < 1e-9, np.inf, level)
    plane = normal / safe[:, None]
    plane[:, :2] /= camera.focal
    plane[:, 2] -= plane[:, 0] * camera.centre[0] + plane[:, 1] * camera.centre[1]
    if keep is None:
        inner = None
    else:

        def inner(face, x, y, key):
            return keep(shown[face], x, y, key)

    ids, key = fill(
        screen * camera.focal + np.asarray(camera.centre), plane, camera.width, camera.height, inner
    )
    return np.where(ids < 0, -1, shown[ids]), np.maximum(key, 0)
