"""Arcades, doors, carving, dials and pierced work for facade textures."""

import numpy as np

from embedded_cities.canvas import Bay, Canvas, Colour
from embedded_cities.gothic import DARK
from embedded_cities.windows import IRON, PANE


def _void(c: Canvas, trim: Colour, x, width, low, spring, point, rim=0.35):
    """An open arch with a dark passage behind, its keystone and its imposts."""
    c.paint(c.arch(x, width + 2 * rim, low, spring, point), trim, 0.12)
    c.paint(c.arch(x, width + rim, low, spring, point), np.array(trim) * 0.9, 0.03)
    inside = c.arch(x, width, low, spring, point)
    c.paint(inside, DARK, -0.5)
    # The far wall of the passage catches some light near the floor.
    c.paint(inside & (c.y < low + 0.7), (0.07, 0.06, 0.05), -0.5)
    for side in (-1, 1):
        edge = x + side * (width + rim) / 2
        c.paint(c.box(edge - 0.4, edge + 0.4, spring - 0.2, spring + 0.05), trim, 0.2)


def _arcade(c, trim):
    _void(c, trim, 1.75, 2.3, 0.0, 2.6, 0.5)
    c.paint(c.box(0.0, 3.5, 4.6, 4.85), trim, 0.22)


def _gothic_arcade(c, trim):
    _void(c, trim, 1.75, 2.4, 0.5, 2.4, 0.9)
    c.paint(c.box(0.0, 3.5, 0.0, 0.5), trim, 0.1)
    for x in (1.35, 2.15):
        c.paint(c.box(x - 0.06, x + 0.06, 0.5, 2.6), trim, -0.1)


def _door(c, trim):
    c.paint(c.box(0.7, 2.8, 0, 3.1), trim, 0.15)
    c.paint(c.box(1.05, 2.45, 0, 2.4), (0.08, 0.05, 0.035), -0.2)
    c.paint(c.box(1.05, 2.45, 2.45, 2.85), PANE, -0.2, glass=1, lamp=0.8)
    c.paint(c.box(1.72, 1.78, 0, 2.4), DARK, -0.25)
    c.paint(c.box(0.5, 3.0, 3.1, 3.35), trim, 0.3)


def _shop(c, trim):
    paint = np.array([0.08, 0.12, 0.10])
    c.paint(c.box(0.0, 3.5, 0.0, 3.6), paint, 0.05)
    c.paint(c.box(0.25, 3.25, 0.7, 2.7), PANE, -0.1, glass=1, lamp=1.0)
    for x in (1.25, 2.25):
        c.paint(c.box(x - 0.05, x + 0.05, 0.7, 2.7), paint, 0.0)
    c.paint(c.box(0.1, 3.4, 2.9, 3.45), (0.42, 0.36, 0.22), 0.1)


def _niche(c, trim):
    c.paint(c.arch(1.75, 1.7, 0.8, 3.2, 0.5), trim, 0.1)
    c.paint(c.arch(1.75, 1.3, 0.8, 3.2, 0.5), np.array(trim) * 0.4, -0.35)
    c.paint(c.box(1.45, 2.05, 0.8, 2.7), np.array(trim) * 0.9, -0.05)
    c.paint(c.disc(1.75, 2.95, 0.22), np.array(trim) * 0.9, -0.05)


def _frieze(c, trim):
    c.paint(c.y >= 0, trim, 0.0)
    c.paint((c.x % 1.0 < 0.55) & (c.y > 0.25) & (c.y < 0.85), np.array(trim) * 0.8, 0.12)
    c.paint(c.box(0, 9, 0.88, 1.0), trim, 0.2)
    c.paint(c.box(0, 9, 0, 0.12), trim, 0.1)


def _relief(c, trim):
    """Carved figures, as soft random bumps."""
    c.paint(c.y >= 0, trim, 0.0)
    for _ in range(22):
        x, y = c.rng.uniform(0.3, 3.2), c.rng.uniform(0.4, 2.6)
        c.paint(c.disc(x, y, c.rng.uniform(0.12, 0.4)), np.array(trim) * 0.8, c.rng.uniform(0, 0.3))
    frame = (c.x < 0.15) | (c.x > 3.35) | (c.y < 0.15) | (c.y > 2.85)
    c.paint(frame, trim, 0.2)


def _glazing(c, trim):
    c.paint(c.y >= 0, (0.10, 0.12, 0.13), 0.0, glass=0.9, lamp=0.7)
    bars = (c.x % 0.875 < 0.09) | (c.y % 1.0 < 0.08) | (c.x < 0.18)
    c.paint(bars, trim, 0.1)


def _clock(c, trim):
    c.paint(c.disc(2, 2, 2), (0.45, 0.33, 0.10), 0.2)
    c.paint(c.disc(2, 2, 1.75), (0.80, 0.78, 0.70), 0.1, lamp=1.0)
    angle, radius = np.arctan2(c.x - 2, c.y - 2), np.hypot(c.x - 2, c.y - 2)
    ticks = np.abs((angle * 12 / (2 * np.pi) + 0.5) % 1 - 0.5) < 0.14
    c.paint(ticks & (radius > 1.3) & (radius < 1.65), IRON, 0.1)
    for turn, length, width in ((1.0, 1.4, 0.09), (-0.9, 0.95, 0.13)):
        along = (c.x - 2) * np.sin(turn) + (c.y - 2) * np.cos(turn)
        aside = (c.x - 2) * np.cos(turn) - (c.y - 2) * np.sin(turn)
        c.paint((along > -0.3) & (along < length) & (np.abs(aside) < width), IRON, 0.15)
    c.paint(radius >= 2, opacity=0)


def _plain(c, trim):
    pass


def _holes(c, trim, solid):
    c.paint(c.y >= 0, trim, 0.0)
    c.paint(~solid, opacity=0)


def _crenel(c, trim):
    _holes(c, trim, (c.y < 0.5) | (np.abs(c.x - 0.8) < 0.45))


def _balustrade(c, trim):
    place = np.abs((c.x % 0.5) - 0.25)
    belly = 0.07 + 0.08 * np.sin(np.clip((c.y - 0.15) / 0.7, 0, 1) * np.pi)
    _holes(c, trim, (c.y < 0.15) | (c.y > 0.82) | (place < belly) | (c.x % 4 < 0.4))


def _pierced(c, trim):
    x = c.x % 1.0
    hole = (np.hypot(x - 0.5, c.y - 0.55) < 0.3) | ((np.abs(x - 0.5) < 0.12) & (c.y < 0.85))
    _holes(c, trim, ~(hole & (c.y > 0.2)) & ((c.y < 1.1) | (np.abs(x) < 0.12)))


def _lattice(c, trim):
    x, y = c.x / 2 - 1, c.y / 2 - 1
    beam = (np.abs(x - y) < 0.13) | (np.abs(x + y) < 0.13) | (np.abs(x) > 0.82)
    fine = (np.abs((x - y) * 2 % 2 - 1) < 0.1) | (np.abs((x + y) * 2 % 2 - 1) < 0.1)
    _holes(c, trim, beam | (fine & (np.abs(x) > 0.5)) | (np.abs(y) > 0.9))


ORNAMENT = {
    "arcade": Bay(_arcade, (3.5, 5), (64, 64)),
    "gothic_arcade": Bay(_gothic_arcade, (3.5, 5), (64, 64)),
    "door": Bay(_door, (3.5, 4.2), (64, 64)),
    "shop": Bay(_shop, (3.5, 4), (64, 64)),
    "niche": Bay(_niche, (3.5, 4.4), (64, 64)),
    "frieze": Bay(_frieze, (4, 1), (16, 64)),
    "relief": Bay(_relief, (3.5, 3), (64, 64)),
    "glazing": Bay(_glazing, (3.5, 4), (64, 64)),
    "clock": Bay(_clock, (4, 4), (64, 64)),
    "plain": Bay(_plain, (4, 4), (64, 64)),
    "crenel": Bay(_crenel, (1.6, 1.2), (16, 32)),
    "balustrade": Bay(_balustrade, (4, 1), (16, 64)),
    "pierced": Bay(_pierced, (4, 1.3), (32, 64)),
    "lattice": Bay(_lattice, (4, 4), (64, 64)),
}
"""Bays by name."""
