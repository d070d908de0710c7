"""Faces of a scene: flat convex quadrilaterals, each with a texture laid over its plane."""

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """F faces.

    corners: (F, 4, 3) metres, counter-clockwise from outside; a triangle repeats its last corner.
    across, up: (F, 4); the texture coordinate of a point p is (across . (p, 1), up . (p, 1)),
    in repeats of the texture.  normal: (F, 3).  texture: (F,) ids.  tint: (F, 3) colour factors.
    owner: (F,) a small integer that says what the face belongs to.
    """

    corners: np.ndarray
    across: np.ndarray
    up: np.ndarray
    normal: np.ndarray
    texture: np.ndarray
    tint: np.ndarray
    owner: np.ndarray

    def __len__(self) -> int:
        return len(self.corners)


def faces(corners: np.ndarray, texture: int, repeat: np.ndarray | tuple[float, float]) -> Mesh:
    """Faces (F, 4, 3), corners in the order lower left, lower right, upper right, upper left.

    The texture runs along the lower edge and upwards at a right angle to it; `repeat` (F, 2) or
    (2,) says how often it fits on the lower edge and on the height above that edge.
    """
    corners = np.asarray(corners, float)
    repeat = np.broadcast_to(np.asarray(repeat, float), (len(corners), 2))
    origin = corners[:, 0]
    base = corners[:, 1] - origin
    width = np.linalg.norm(base, axis=1, keepdims=True)
    along = base / np.maximum(width, 1e-9)
    # A triangle has its third corner as the fourth too, so the larger diagonal side is the rise.
    rise = corners[:, 2] - corners[:, 1]
    rise = rise - (rise * along).sum(axis=1, keepdims=True) * along
    height = np.linalg.norm(rise, axis=1, keepdims=True)
    upward = rise / np.maximum(height, 1e-9)
    count = len(corners)
    return Mesh(
        corners,
        _affine(along * repeat[:, :1] / np.maximum(width, 1e-9), origin),
        _affine(upward * repeat[:, 1:] / np.maximum(height, 1e-9), origin),
        np.cross(along, upward),
        np.full(count, texture, np.int32),
        np.ones((count, 3), np.float32),
        np.zeros(count, np.int32),
    )


def _affine(gradient: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Coefficients (F, 4) of the affine function with this gradient that is zero at origin."""
    return np.concatenate([gradient, -(gradient * origin).sum(axis=1, keepdims=True)], axis=1)


def join(parts: list[Mesh]) -> Mesh:
    """All faces of the parts, in order.  Raises ValueError for an empty list."""
    if not parts:
        raise ValueError("parts: [] is not allowed: give at least one mesh")
    return Mesh(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Mesh)))


def place(mesh: Mesh, x: float, y: float, turn: float = 0.0, size: float = 1.0) -> Mesh:
    """The mesh made `size` times as large, turned by `turn` radians (counter-clockwise from
    above), then moved to (x, y).
    """
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    shift = np.array([x, y, 0.0])

    def move(affine: np.ndarray) -> np.ndarray:
        gradient = affine[:, :3] @ matrix.T / size
        return np.concatenate([gradient, affine[:, 3:] - (gradient @ shift)[:, None]], axis=1)

    return replace(
        mesh,
        corners=mesh.corners @ matrix.T * size + shift,
        across=move(mesh.across),
        up=move(mesh.up),
        normal=mesh.normal @ matrix.T,
    )


def raised(mesh: Mesh, z: float) -> Mesh:
    """The mesh moved up by z metres."""
    across, up = mesh.across.copy(), mesh.up.copy()
    across[:, 3] -= across[:, 2] * z
    up[:, 3] -= up[:, 2] * z
    return replace(mesh, corners=mesh.corners + np.array([0, 0, z]), across=across, up=up)


def tinted(mesh: Mesh, colour: tuple[float, float, float] | np.ndarray) -> Mesh:
    """The mesh with its colours multiplied by `colour`."""
    return replace(mesh, tint=mesh.tint * np.asarray(colour, np.float32))


def owned(mesh: Mesh, owner: int) -> Mesh:
    """The mesh with all faces marked as belonging to `owner`."""
    return replace(mesh, owner=np.full(len(mesh), owner, np.int32))


def select(mesh: Mesh, chosen: np.ndarray) -> Mesh:
    """The faces picked by a mask or an index array."""
    return Mesh(*(getattr(mesh, f.name)[chosen] for f in fields(Mesh)))


def bounds(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner coordinates, (3,) each, metres."""
    points = mesh.corners.reshape(-1, 3)
    return points.min(axis=0), points.max(axis=0)
