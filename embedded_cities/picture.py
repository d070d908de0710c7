"""One picture: how much of the subject shows, the light, the lens, the sensor, the file."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from embedded_cities.light import sample_light
from embedded_cities.mesh import Mesh, select
from embedded_cities.raster import NEAR, Camera
from embedded_cities.shade import GROUND, Scene, reach, shade
from embedded_cities.site import SUBJECT, Site
from embedded_cities.texels import Texels
from embedded_cities.view import Shot, propose
from embedded_cities.visible import visible

SAMPLES = 2
"""Rendered pixels a side for each pixel of the picture."""
LIMITS = {"good": (0.75, 1.0), "ok": (0.25, 0.75), "junk": (0.0, 0.25)}
"""Visible share of the subject, above the first and up to the second."""
_LUMA = np.array([0.30, 0.59, 0.11], np.float32)
_MARGIN = 0.03
_TRIES = 80
_SMALLEST = 0.004
"""Least share of the picture that the visible part of a subject takes up."""


@dataclass(frozen=True)
class Picture:
    """jpeg: the file.  share: visible share of the subject.  box: (x1, y1, x2, y2), pixels,
    around its visible part.  category: good, ok or junk.  azimuth: radians from its front.
    place: (x, y) of the camera in metres, the site's origin being (0, 0).
    """

    jpeg: bytes
    share: float
    box: tuple[float, float, float, float]
    category: str
    azimuth: float
    place: tuple[float, float]


def _place(shot: Shot) -> tuple[float, float]:
    """Where the camera of a shot stands, see `Picture`."""
    return float(shot.camera.position[0]), float(shot.camera.position[1])


def categorise(share: float) -> str:
    """The list on which a picture belongs that shows this share (0..1] of its landmark.

    Raises ValueError outside that range.
    """
    for name, (low, high) in LIMITS.items():
        if low < share <= high:
            return name
    raise ValueError(f"share: {share} is not allowed: give a number above 0 and at most 1")


def whole_area(subject: Mesh, texels: Texels, camera: Camera) -> float:
    """Pixels of a mesh with nothing in front of it and no frame.

    The frame is widened to hold all of the mesh, at most four pictures each way.
    """
    points = camera.to_camera(subject.corners.reshape(-1, 3))
    points = points[points[:, 2] > NEAR]
    screen = points[:, :2] / points[:, 2:] * camera.focal
    limit = 4 * np.array([camera.width, camera.height])
    low = np.floor(np.clip(screen.min(axis=0), -limit, limit)) - 1
    high = np.ceil(np.clip(screen.max(axis=0), -limit, limit)) + 1
    # A large frame is sampled more coarsely: the area needs no finer grid than this.
    factor = min(1.0, 420 / float((high - low).max()))
    width, height = (int(n) for n in np.ceil((high - low) * factor))
    centre = (-low[0] * factor, -low[1] * factor)
    wide = replace(camera, focal=camera.focal * factor, centre=centre, width=width, height=height)
    ids, _ = visible(subject, texels, wide)
    return float((ids >= 0).sum()) / factor**2


def shown(mesh: Mesh, ids: np.ndarray) -> np.ndarray:
    """Where the faces drawn in `ids` (H, W) belong to the subject, bool."""
    return (ids >= 0) & (mesh.owner[ids] == SUBJECT)


def _rough_share(shot: Shot, site: Site) -> float:
    """The visible share on a coarse grid, for choosing shots; 0 where hardly anything shows."""
    texels, camera = site.stock.atlas.texels(), shot.camera.scaled(0.5)
    ids, _ = visible(shot.mesh, texels, camera)
    area = float(shown(shot.mesh, ids).sum())
    if area < _SMALLEST * ids.size:
        return 0.0
    return min(area / max(whole_area(site.subject, texels, camera), 1.0), 1.0)


def _develop(linear: np.ndarray, variety: float, rng: np.random.Generator) -> bytes:
    """Exposure, colour cast, tone curve, blur, noise and compression; (H, W, 3) linear to JPEG."""
    height, width = linear.shape[0] // SAMPLES, linear.shape[1] // SAMPLES
    steps = range(SAMPLES)
    linear = sum(linear[i::SAMPLES, j::SAMPLES] for i in steps for j in steps) / SAMPLES**2
    key = float(np.exp(np.log(linear @ _LUMA + 0.01).mean()))
    # Cameras lift dark scenes only part of the way.
    exposure = 0.72 * key**-0.75 * 0.36**0.75 * np.exp(rng.normal(0, 0.05 + 0.17 * variety))
    warmth, tint = (rng.normal(0, 0.03 + 0.06 * variety), rng.normal(0, 0.01 + 0.02 * variety))
    value = linear * (exposure * np.exp([warmth, -tint, -warmth])).astype(np.float32)
    # A film-like curve: a short toe, a long shoulder.
    value = value * (2.51 * value + 0.03) / (value * (2.43 * value + 0.59) + 0.14)
    value = np.clip(value, 0, 1) ** np.float32(1 / 2.2)
    grey = (value @ _LUMA)[..., None]
    saturation = 0.0 if rng.random() < 0.04 * variety else rng.uniform(0.75, 1.25)
    value = grey + (value - grey) * saturation
    value = 0.5 + (value - 0.5) * rng.uniform(0.9, 1.12) + rng.uniform(-0.02, 0.03)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    value *= (1 - rng.uniform(0, 0.16) * (x**2 + y**2)).astype(np.float32)[..., None]
    image = Image.fromarray((np.clip(value, 0, 1) * 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(abs(rng.normal(0, 0.3))))
    grain = rng.standard_normal((height, width, 3), np.float32) * np.float32(
        rng.uniform(0.5, 2 + 3 * variety)
    )
    noisy = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "JPEG", quality=int(rng.integers(60, 95)))
    return out.getvalue()


def render(
    shot: Shot, site: Site, variety: float, rng: np.random.Generator
) -> tuple[bytes, np.ndarray]:
    """The file of a shot in random light, and the face at each of its fine pixels."""
    camera = shot.camera.scaled(SAMPLES)
    centre, radius = reach(site.subject)
    scene = Scene(shot.mesh, site.stock.atlas.texels(), sample_light(rng, variety))
    linear, ids = shade(scene, camera, centre, radius * 1.25, rng)
    return _develop(linear, variety, rng), ids


def take(site: Site, category: str, size: int, variety: float, rng: np.random.Generator) -> Picture:
    """A picture of the site's subject that belongs on the list `category`.

    size: longest side, pixels.  variety: of viewpoints, light and cameras, 0 to 1.  Raises
    RuntimeError when no shot of that kind was found.
    """
    low, high = LIMITS[category]
    # Keep off the limits between lists, so that the finer measurement falls on the same side.
    top = high if high == 1 else high - _MARGIN
    for _ in range(_TRIES):
        shot = propose(site, category, size, variety, rng)
        if not low + _MARGIN < _rough_share(shot, site) <= top:
            continue
        jpeg, ids = render(shot, site, variety, rng)
        mask, fine = shown(shot.mesh, ids), shot.camera.scaled(SAMPLES)
        whole = whole_area(site.subject, site.stock.atlas.texels(), fine)
        # Two grids of samples differ a little at the edges, so a whole subject may exceed one.
        share = min(float(mask.sum()) / max(whole, 1.0), 1.0)
        if low < share <= high:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            box = tuple(float(edge) / SAMPLES for edge in edges)
            return Picture(jpeg, share, box, category, shot.azimuth, _place(shot))
    raise RuntimeError(
        f"no {category} picture of a landmark in {_TRIES} tries: use another seed or a larger size"
    )


def distractor(site: Site, size: int, variety: float, rng: np.random.Generator) -> Picture:
    """A picture of a place without landmark; `site` comes from site.ordinary_site.

    Raises RuntimeError when all shots were nearly empty.
    """
    kind = str(rng.choice(["good", "ok", "gone"], p=[0.45, 0.3, 0.25]))
    for _ in range(_TRIES):
        shot = propose(site, "good" if kind == "good" else "ok", size, variety, rng)
        if kind == "gone":
            shot = replace(shot, mesh=select(shot.mesh, shot.mesh.owner != SUBJECT))
        ids, _ = visible(shot.mesh, site.stock.atlas.texels(), shot.camera.scaled(0.5))
        if (shot.mesh.owner[ids[ids >= 0]] != GROUND).sum() > 0.2 * ids.size:
            jpeg, _ = render(shot, site, variety, rng)
            return Picture(jpeg, 0.0, (0.0, 0.0, 0.0, 0.0), "absent", 0.0, _place(shot))
    raise RuntimeError(f"no distractor in {_TRIES} tries: use another seed")
