"""Drawn photographs with positions in their names, for test sets of one's own."""

from pathlib import Path

import numpy as np
from PIL import Image

# Of landmark a four photographs, of b three; four of neither.
PLACES = {"a": [0, 5, 12, 20], "b": [900, 905, 2000], "x": [910, 3000, 4000, 5000]}


def photograph_of(name: str, number: int, size: int = 96) -> np.ndarray:
    """Stripes of a landmark's own direction, seen a little differently each time."""
    rows, columns = np.mgrid[0:size, 0:size]
    turn = {"a": 0.3, "b": 1.2, "x": 2.0 + number}[name]
    wave = np.sin((columns * np.cos(turn) + rows * np.sin(turn)) / 6 + number)
    noise = np.random.default_rng(number).normal(0, 12, (size, size, 3))
    return np.clip(128 + 90 * wave[..., None] * [1, 0.6, 0.8] + noise, 0, 255).astype(np.uint8)


def write_located(folder: Path) -> None:
    """The same photographs without a ground truth, the first of each kind as queries."""
    for mark, eastings in PLACES.items():
        for number, easting in enumerate(eastings):
            part = folder / "lane" / ("database" if number else "queries")
            part.mkdir(parents=True, exist_ok=True)
            path = part / f"@{500000 + easting}.00@4600000.00@{mark}{number}.png"
            Image.fromarray(photograph_of(mark, number)).save(path)


def write_city(folder: Path) -> None:
    """Photographs with positions in their names, and their ground truth."""
    images, names = folder / "home", {}
    images.mkdir(parents=True)
    for mark, eastings in PLACES.items():
        for number, easting in enumerate(eastings):
            name = f"@{500000 + easting}.00@4600000.00@{mark}{number}"
            names[mark, number] = name
            Image.fromarray(photograph_of(mark, number)).save(images / f"{name}.png")
    lines = ["query,x1,y1,x2,y2,image,label"]
    for mark in "ab":
        for number in range(1, len(PLACES[mark])):
            lines.append(f"{names[mark, 0]}.png,0,0,96,96,{names[mark, number]}.png,good")
    (folder / "home.csv").write_text("\n".join([*lines, ""]))
