"""Gothic windows and portals; each fills one bay of a facade texture."""

import numpy as np

from embedded_cities.canvas import Bay, Canvas, Colour
from embedded_cities.windows import PANE, opening

DARK = (0.02, 0.018, 0.016)


def _tracery(c: Canvas, trim: Colour, x, width, low, spring, lights, point=1.0):
    """A gothic window: pointed lights under a head of circles, in a moulded arch."""
    for grow, relief in ((0.7, 0.16), (0.45, 0.04), (0.2, -0.1)):
        c.paint(c.arch(x, width + grow, low, spring, point), trim, relief)
    c.paint(c.arch(x, width, low, spring, point), np.array(trim) * 0.85, -0.15)
    unit = width / lights
    for i in range(lights):
        centre = x - width / 2 + (i + 0.5) * unit
        light = c.arch(centre, unit * 0.80, low, spring - unit * 0.35, 0.9)
        c.paint(light, PANE, -0.3, glass=0.8, lamp=0.6)
    head = width * np.sqrt(max(point - 0.25, 0.05))
    for i in range(lights - 1):
        centre = x + (i - (lights - 2) / 2) * unit
        c.paint(c.disc(centre, spring + head * 0.22, unit * 0.33), PANE, -0.3, glass=0.8, lamp=0.6)
    if lights > 2:
        c.paint(c.disc(x, spring + head * 0.55, unit * 0.42), PANE, -0.3, glass=0.8, lamp=0.6)
    c.paint(c.box(x - width / 2 - 0.4, x + width / 2 + 0.4, low - 0.3, low), trim, 0.2)


def _lancet(c, trim):
    opening(c, trim, 1.75, 1.0, 1.0, 5.0, 1.2, rim=0.35, bars=(1, 8))


def _twin_lancet(c, trim):
    for x in (1.15, 2.35):
        opening(c, trim, x, 0.7, 1.0, 4.6, 1.2, rim=0.22, bars=(1, 8))


def _two_light(c, trim):
    _tracery(c, trim, 1.75, 1.9, 1.2, 4.6, 2)


def _great(c, trim):
    _tracery(c, trim, 2.5, 3.6, 1.6, 5.4, 4, 0.85)


def _perpendicular(c, trim):
    _tracery(c, trim, 2.5, 4.0, 1.2, 6.6, 3, 0.62)
    for y in (3.0, 4.8):
        c.paint(c.box(0.5, 4.5, y - 0.12, y + 0.12), trim, -0.1)


def _louvre(c, trim):
    for x in (1.1, 2.4):
        c.paint(c.arch(x, 1.2, 0.8, 4.6, 1.1), trim, 0.12)
        inside = c.arch(x, 0.85, 0.8, 4.6, 1.1)
        c.paint(inside, DARK, -0.4)
        c.paint(inside & ((c.y * 1.9) % 1 < 0.45), (0.16, 0.15, 0.14), -0.2)


def _rose(c, trim):
    c.paint(c.disc(4, 4, 4), trim, 0.2)
    c.paint(c.disc(4, 4, 3.5), np.array(trim) * 0.8, -0.1)
    angle, radius = np.arctan2(c.y - 4, c.x - 4), np.hypot(c.x - 4, c.y - 4)
    petals = np.abs((angle * 12 / (2 * np.pi)) % 1 - 0.5) < 0.36
    ring = ((radius > 1.1) & (radius < 2.25) & petals) | (radius < 0.8)
    shifted = np.abs((angle * 24 / (2 * np.pi)) % 1 - 0.5) < 0.33
    ring |= (radius > 2.45) & (radius < 3.3) & shifted
    c.paint(ring, PANE, -0.35, glass=0.8, lamp=0.6)
    c.paint(radius >= 4, opacity=0)


def _portal(c, trim):
    for k, relief in enumerate((0.25, 0.1, -0.05, -0.2, -0.35)):
        shade = np.array(trim) * (1 - 0.1 * k)
        c.paint(c.arch(2.5, 4.2 - 0.45 * k, 0, 3.2, 0.9), shade, relief)
    c.paint(c.arch(2.5, 1.9, 0, 3.1, 0.9), (0.10, 0.06, 0.03), -0.5)
    c.paint(c.arch(2.5, 2.2, 3.1, 3.2, 0.9) & (c.y > 3.1), np.array(trim) * 0.7, -0.3)
    c.paint(c.box(2.45, 2.55, 0, 3.1), DARK, -0.45)


GOTHIC = {
    "lancet": Bay(_lancet, (3.5, 7), (128, 64)),
    "twin_lancet": Bay(_twin_lancet, (3.5, 7), (128, 64)),
    "two_light": Bay(_two_light, (3.5, 7), (128, 64)),
    "great": Bay(_great, (5, 10), (256, 128)),
    "perpendicular": Bay(_perpendicular, (5, 10), (256, 128)),
    "louvre": Bay(_louvre, (3.5, 7), (128, 64)),
    "rose": Bay(_rose, (8, 8), (128, 128)),
    "portal": Bay(_portal, (5, 7), (128, 128)),
}
"""Bays by name."""
