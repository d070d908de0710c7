"""Ordinary buildings seen many times each: what the small backbones are pretrained on.

They stand in cities of their own, from seeds that no study uses, and none of them is a landmark: a
network that knows them has seen nothing of what it is tested on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embedded_cities.atlas import Atlas
from embedded_cities.city import Progress
from embedded_cities.picture import take
from embedded_cities.site import STYLES, ordinary_site
from embedded_cities.stock import stock

PATTERN = ("good", "ok", "good", "good", "ok", "good")
"""How much of the building the pictures show, over and over."""

_STOCK, _SITE, _VIEW = range(3)


@dataclass(frozen=True)
class BuildingsSpec:
    """What to render.

    seed: of all.  buildings: of each style.  views: pictures of each building.  size: longest
    side, pixels.  variety: how much viewpoints, light and cameras differ, 0 to 1.
    """

    seed: int
    buildings: int
    views: int
    size: int
    variety: float


def _generator(spec: BuildingsSpec, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=key))


def buildings(spec: BuildingsSpec) -> Iterator[tuple[str, list[bytes]]]:
    """(name `<style>_<number>`, its pictures as JPEG files) of one building after another.

    Raises RuntimeError when a building cannot be shown as planned.
    """
    for place, style in enumerate(sorted(STYLES)):
        shared = stock(style, Atlas(spec.seed), _generator(spec, place, _STOCK))
        for number in range(spec.buildings):
            site = ordinary_site(shared, _generator(spec, place, _SITE, number))
            pictures = [
                take(
                    site,
                    PATTERN[view % len(PATTERN)],
                    spec.size,
                    spec.variety,
                    _generator(spec, place, _VIEW, number, view),
                )
                for view in range(spec.views)
            ]
            yield f"{style}_{number:04d}", [picture.jpeg for picture in pictures]


def write_buildings(spec: BuildingsSpec, folder: Path, progress: Progress) -> None:
    """Write every picture to `<folder>/<building>/<view>.jpg`.

    progress: wraps the iteration over the buildings' numbers to show how far it is.
    """
    source = buildings(spec)
    for _ in progress(range(len(STYLES) * spec.buildings)):
        name, pictures = next(source)
        (folder / name).mkdir(parents=True)
        for view, jpeg in enumerate(pictures):
            (folder / name / f"{view:02d}.jpg").write_bytes(jpeg)
