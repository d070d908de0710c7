"""Classical and plain windows; each fills one bay of a facade texture."""

import numpy as np

from embedded_cities.canvas import Bay, Canvas, Colour

PANE = (0.035, 0.04, 0.05)
FRAME = (0.55, 0.54, 0.50)
IRON = (0.03, 0.03, 0.035)


def opening(c: Canvas, trim: Colour, x, width, low, spring, point=0.5, rim=0.22, bars=(2, 4)):
    """A glazed opening with a moulded rim and glazing bars."""
    c.paint(c.arch(x, width + 2 * rim, low, spring, point), trim, 0.10)
    c.paint(c.arch(x, width + rim, low, spring, point), trim, 0.02)
    if point == 0:
        c.paint(c.box(x - width / 2 - rim, x + width / 2 + rim, spring, spring + rim), trim, 0.10)
    inside = c.arch(x, width, low, spring, point)
    c.paint(inside, PANE, -0.22, glass=1, lamp=0.6)
    across = (c.x - x + width / 2) / width * bars[0]
    upright = (c.y - low) / max(width / bars[0], 1e-6) / 1.25
    thin = np.minimum(np.abs(across - np.rint(across)) * width / bars[0], 1)
    flat = np.abs(upright - np.rint(upright)) * width / bars[0] * 1.25
    c.paint(inside & ((thin < 0.05) | ((flat < 0.04) & (bars[1] > 0))), FRAME, -0.18)
    c.paint(
        c.box(x - width / 2 - rim * 1.2, x + width / 2 + rim * 1.2, low - 0.18, low), trim, 0.16
    )


def _railing(c, left, right, low, high):
    panel = c.box(left, right, low, high)
    bars = np.abs((c.x / 0.16) % 1 - 0.5) < 0.17
    edge = (c.y > high - 0.09) | (c.y < low + 0.08)
    scroll = np.abs(np.hypot((c.x % 0.7) - 0.35, c.y - (low + high) / 2) - 0.25) < 0.05
    c.paint(panel & (bars | edge | scroll), IRON, 0.3)


def _sash(c, trim):
    opening(c, trim, 1.75, 1.3, 1.0, 3.2, 0, bars=(2, 3))
    c.paint(c.box(0.95, 2.55, 3.2, 3.45), trim, 0.14)


def _small(c, trim):
    opening(c, trim, 1.75, 1.0, 0.9, 2.2, 0, rim=0.15, bars=(2, 2))


def _casement(c, trim):
    opening(c, trim, 1.75, 2.2, 0.9, 2.9, 0, rim=0.25, bars=(3, 0))
    for x in (1.75 - 0.37, 1.75 + 0.37):
        c.paint(c.box(x - 0.09, x + 0.09, 0.9, 2.9), trim, -0.02)
    c.paint(c.box(0.65, 2.85, 2.1, 2.25), trim, -0.02)
    c.paint(c.box(0.4, 3.1, 3.15, 3.35), trim, 0.16)


def _round(c, trim):
    opening(c, trim, 1.75, 1.7, 0.9, 2.6, 0.5, rim=0.3, bars=(3, 4))
    c.paint(c.box(1.55, 1.95, 3.35, 3.9), trim, 0.16)


def _tall_round(c, trim):
    opening(c, trim, 1.75, 2.0, 1.0, 5.0, 0.5, rim=0.3, bars=(4, 6))
    c.paint(c.box(1.55, 1.95, 5.9, 6.5), trim, 0.16)


def _pediment(c, trim):
    opening(c, trim, 1.75, 1.4, 0.8, 3.1, 0, bars=(2, 4))
    c.paint(c.box(0.55, 2.95, 3.3, 3.5), trim, 0.22)
    slope = (c.y - 3.5) < 0.75 * (1 - np.abs(c.x - 1.75) / 1.2)
    c.paint(c.box(0.55, 2.95, 3.5, 4.3) & slope, trim, 0.2)
    inner = (c.y - 3.55) < 0.5 * (1 - np.abs(c.x - 1.75) / 0.8)
    c.paint(c.box(0.95, 2.55, 3.55, 4.2) & inner, np.array(trim) * 0.8, 0.05)


def _french(c, trim):
    opening(c, trim, 1.75, 1.4, 0.25, 3.2, 0, bars=(2, 5))
    c.paint(c.box(0.7, 2.8, 3.42, 3.62), trim, 0.2)
    _railing(c, 0.0, 3.5, 0.05, 1.0)


def _shutters(c, trim):
    opening(c, trim, 1.75, 1.2, 0.7, 3.1, 0, bars=(2, 4))
    for left in (0.42, 2.42):
        slats = 1 - 0.35 * ((c.y * 7) % 1 < 0.4)
        mask = c.box(left, left + 0.62, 0.7, 3.1)
        c.paint(mask, (0.42, 0.44, 0.42) * np.ones(3) * slats[mask][:, None], 0.06)
    _railing(c, 1.0, 2.5, 0.7, 1.35)


def _oculus(c, trim):
    c.paint(c.disc(1.75, 1.75, 1.05), trim, 0.12)
    c.paint(c.disc(1.75, 1.75, 0.8), PANE, -0.2, glass=1, lamp=0.6)
    cross = (np.abs(c.x - 1.75) < 0.06) | (np.abs(c.y - 1.75) < 0.06)
    c.paint(c.disc(1.75, 1.75, 0.8) & cross, FRAME, -0.12)


def _pilaster(c, trim):
    opening(c, trim, 1.75, 1.5, 1.0, 3.6, 0.5, rim=0.2, bars=(2, 4))
    for x in (0.28, 3.22):
        c.paint(c.box(x - 0.28, x + 0.28, 0, 6), trim, 0.25)
        c.paint(c.box(x - 0.38, x + 0.38, 5.4, 6), trim, 0.35)
        c.paint(c.box(x - 0.36, x + 0.36, 0, 0.5), trim, 0.3)


def _timber(c, trim):
    opening(c, (0.07, 0.05, 0.04), 1.75, 1.5, 1.0, 2.2, 0, rim=0.12, bars=(3, 3))
    beam = c.box(0, 0.25, 0, 9) | c.box(0, 9, 0, 0.25) | c.box(0, 9, 2.7, 2.95)
    beam |= np.abs(c.x - 0.5 - 0.25 * c.y) < 0.12
    beam |= np.abs(c.x - 3.2 + 0.25 * c.y) < 0.12
    c.paint(beam & (c.glass == 0), (0.07, 0.05, 0.04), 0.06)


WINDOWS = {
    "sash": Bay(_sash, (3.5, 4.2), (64, 64)),
    "small": Bay(_small, (3.5, 3.2), (64, 64)),
    "casement": Bay(_casement, (3.5, 4), (64, 64)),
    "round": Bay(_round, (3.5, 4.4), (64, 64)),
    "tall_round": Bay(_tall_round, (3.5, 7), (128, 64)),
    "pediment": Bay(_pediment, (3.5, 4.6), (64, 64)),
    "french": Bay(_french, (3.5, 4), (64, 64)),
    "shutters": Bay(_shutters, (3.5, 3.8), (64, 64)),
    "oculus": Bay(_oculus, (3.5, 3.5), (64, 64)),
    "pilaster": Bay(_pilaster, (3.5, 6), (128, 64)),
    "timber": Bay(_timber, (3.5, 2.95), (64, 64)),
}
"""Bays by name."""
