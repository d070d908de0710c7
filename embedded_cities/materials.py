"""Surfaces without openings: stone, brick, stucco, roofs, ground.

A surface is a colour image and a relief that both repeat seamlessly in both directions.
"""

from dataclasses import dataclass

import numpy as np

Surface = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Material:
    """kind: the pattern.  colour: linear red, green, blue.  course: height of a row, metres.

    unit: length of a block, metres.  spread: how much the blocks differ in tone.
    """

    kind: str
    colour: tuple[float, float, float]
    course: float = 0.5
    unit: float = 1.0
    spread: float = 0.10
    joint: float = 0.75


MATERIALS = {
    "honey": Material("blocks", (0.60, 0.45, 0.25), 0.45, 0.9, 0.13),
    "sandstone": Material("blocks", (0.52, 0.42, 0.28), 0.40, 0.8, 0.16),
    "greystone": Material("blocks", (0.36, 0.34, 0.30), 0.40, 0.7, 0.18),
    "limestone": Material("blocks", (0.62, 0.56, 0.44), 0.55, 1.1, 0.09),
    "cream": Material("smooth", (0.68, 0.60, 0.44), spread=0.05),
    "white": Material("smooth", (0.74, 0.72, 0.68), spread=0.04),
    "rustic": Material("blocks", (0.52, 0.46, 0.35), 0.8, 1.6, 0.10, 0.5),
    "redbrick": Material("blocks", (0.38, 0.15, 0.09), 0.2, 0.4, 0.22, 1.35),
    "brownbrick": Material("blocks", (0.40, 0.27, 0.15), 0.2, 0.4, 0.2, 1.25),
    "timber": Material("smooth", (0.10, 0.07, 0.05), spread=0.08),
    "iron": Material("smooth", (0.10, 0.085, 0.07), spread=0.06),
    "bronze": Material("smooth", (0.10, 0.13, 0.10), spread=0.15),
    "gilt": Material("smooth", (0.62, 0.42, 0.10), spread=0.15),
    "slate": Material("scales", (0.13, 0.14, 0.16), 0.35, 0.4, 0.18),
    "stoneslate": Material("scales", (0.27, 0.23, 0.17), 0.4, 0.5, 0.2),
    "tile": Material("scales", (0.36, 0.14, 0.08), 0.35, 0.35, 0.18),
    "lead": Material("ribs", (0.30, 0.31, 0.33), unit=0.8, spread=0.08),
    "copper": Material("ribs", (0.22, 0.40, 0.32), unit=0.8, spread=0.10),
    "zinc": Material("ribs", (0.24, 0.27, 0.31), unit=0.6, spread=0.07),
    "paving": Material("blocks", (0.38, 0.36, 0.32), 0.8, 1.0, 0.12, 0.7),
    "setts": Material("blocks", (0.22, 0.20, 0.19), 0.33, 0.4, 0.22, 0.6),
    "asphalt": Material("smooth", (0.11, 0.11, 0.115), spread=0.10),
    "gravel": Material("smooth", (0.46, 0.39, 0.28), spread=0.16),
    "lawn": Material("smooth", (0.12, 0.22, 0.05), spread=0.22),
}


def noise(rng: np.random.Generator, shape: tuple[int, int], slope: float = 1.2) -> np.ndarray:
    """Seamless fractal noise (H, W), mean 0, standard deviation 1; a larger slope is smoother."""
    fy = np.fft.fftfreq(shape[0])[:, None] * shape[0]
    fx = np.fft.rfftfreq(shape[1])[None] * shape[1]
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) * radius**-slope
    field = np.fft.irfft2(spectrum, shape)
    return field / max(field.std(), 1e-9)


def metres(shape: tuple[int, int], size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Texel centres of an image (H, W) that is size = (width, height) metres: x, and y upwards."""
    x = (np.arange(shape[1]) + 0.5) * (size[0] / shape[1])
    y = (shape[0] - 0.5 - np.arange(shape[0])) * (size[1] / shape[0])
    return np.broadcast_to(x[None], shape), np.broadcast_to(y[:, None], shape)


def surface(
    name: str, shape: tuple[int, int], size: tuple[float, float], rng: np.random.Generator
) -> Surface:
    """Linear colour (H, W, 3) and relief (H, W) in metres of one seamless piece of a material.

    Raises ValueError for a name that is not in MATERIALS.
    """
    if name not in MATERIALS:
        raise ValueError(f"name: {name!r} is not allowed: choose from {sorted(MATERIALS)}")
    material = MATERIALS[name]
    tone, relief = _PATTERNS[material.kind](material, shape, size, rng)
    tone = tone * (1 + material.spread * 0.35 * noise(rng, shape, 0.8))
    warmth = 0.03 * noise(rng, shape, 1.5)[..., None] * np.array([1.0, 0.0, -1.0])
    return np.clip(np.array(material.colour) * (tone[..., None] + warmth), 0, 1), relief


def _grid(material: Material, shape, size):
    """Row and column of the block at each texel, and the place (0..1) in it, running bond."""
    x, y = metres(shape, size)
    rows = max(1, round(size[1] / material.course / 2)) * 2 if size[1] > material.course else 1
    columns = max(1, round(size[0] / material.unit))
    fy = y / size[1] * rows
    row = np.floor(fy).astype(int)
    fx = x / size[0] * columns + 0.5 * (row % 2)
    column = np.floor(fx).astype(int)
    return row % rows, column % columns, fx - column, fy - row, rows, columns


def _blocks(material, shape, size, rng):
    row, column, fx, fy, rows, columns = _grid(material, shape, size)
    tone = 1 + material.spread * rng.standard_normal((rows, columns))[row, column]
    edge_x = np.minimum(fx, 1 - fx) * size[0] / columns
    edge_y = np.minimum(fy, 1 - fy) * size[1] / rows
    joint = np.minimum(edge_x, edge_y) < 0.035
    return np.where(joint, material.joint, tone), np.where(joint, -0.015, 0.0)


def _scales(material, shape, size, rng):
    row, column, fx, fy, rows, columns = _grid(material, shape, size)
    tone = 1 + material.spread * rng.standard_normal((rows, columns))[row, column]
    shade = 0.72 + 0.38 * np.clip(1.2 - fy, 0, 1)
    return tone * shade * np.where(fx < 0.1, 0.8, 1), 0.03 * (1 - fy)


def _ribs(material, shape, size, rng):
    x, _ = metres(shape, size)
    count = max(1, round(size[0] / material.unit))
    place = np.abs((x / size[0] * count) % 1 - 0.5)
    tone = 1 + material.spread * rng.standard_normal(count)[(x / size[0] * count).astype(int)]
    return tone, 0.06 * (place < 0.09)


def _smooth(material, shape, size, rng):
    fine = noise(rng, shape, 0.4)
    return 1 + material.spread * fine, 0.004 * fine


_PATTERNS = {"blocks": _blocks, "scales": _scales, "ribs": _ribs, "smooth": _smooth}
