"""Weather and time of day: sun, sky, haze, lamps; and what the sky looks like."""

from dataclasses import dataclass

import numpy as np

from embedded_cities.materials import noise


@dataclass(frozen=True)
class Light:
    """All colours are linear radiance, (3,) float32; 1 is about a white wall in daylight.

    sun: unit direction towards the sun.  sunlight, zenith, horizon, bounce: colours of the direct
    light, the sky overhead, the sky low down, and the light from the ground.  cloud: share of the
    sky covered, 0..1.  haze: 1 / metres.  lit: share of windows with a lamp.  flood: floodlight
    from below.  snow: 0 or 1.  wet: 0..1 (darker, shinier ground).
    """

    sun: np.ndarray
    sunlight: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    bounce: np.ndarray
    cloud: float
    haze: float
    lit: float = 0.0
    flood: float = 0.0
    snow: float = 0.0
    wet: float = 0.0


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors (N, 3) with length one."""
    length = np.sqrt(np.einsum("ni,ni->n", vectors, vectors))
    return vectors / np.maximum(length, 1e-9)[:, None]


def _direction(azimuth: float, height: float) -> np.ndarray:
    """Unit vector; azimuth from the front (-y) towards +x, both in radians."""
    level = np.cos(height)
    return _rgb(np.sin(azimuth) * level, -np.cos(azimuth) * level, np.sin(height))


def _rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


_SHARES = {
    "clear": 0.36,
    "golden": 0.17,
    "overcast": 0.19,
    "haze": 0.07,
    "dusk": 0.11,
    "night": 0.06,
    "snow": 0.04,
}
"""How often each weather comes where it varies most."""
_MILD_SHARES = {"overcast": 0.75, "clear": 0.25}
"""And where it hardly varies."""


def sample_light(rng: np.random.Generator, variety: float) -> Light:
    """A random time of day and weather; variety: 0 (mild) to 1 (any)."""
    shares = _SHARES if rng.random() < variety else _MILD_SHARES
    kind = str(rng.choice(list(shares), p=list(shares.values())))
    azimuth, u = rng.uniform(-2.4, 2.4), rng.random(5)
    if kind == "clear":
        return Light(
            _direction(azimuth, 0.5 + 0.6 * u[2]),
            _rgb(1.5, 1.38, 1.2),
            _rgb(0.13, 0.27, 0.58) * (0.8 + 0.4 * u[0]),
            _rgb(0.5, 0.62, 0.78),
            _rgb(0.16, 0.14, 0.11),
            0.65 * u[1],
            0.0008,
        )
    if kind == "golden":
        return Light(
            _direction(azimuth, 0.14 + 0.22 * u[2]),
            _rgb(1.5, 0.93, 0.48),
            _rgb(0.16, 0.24, 0.42),
            _rgb(0.72, 0.52, 0.36),
            _rgb(0.14, 0.10, 0.06),
            0.7 * u[0],
            0.0015,
            lit=0.1 * u[1],
        )
    if kind == "overcast":
        grey = _rgb(0.55, 0.59, 0.64) * (0.75 + 0.4 * u[0])
        return Light(
            _direction(azimuth, 0.9),
            _rgb(0.2, 0.2, 0.2) * u[1],
            grey * 0.9,
            grey,
            _rgb(0.10, 0.10, 0.10),
            1.0,
            0.0015,
            lit=0.15 * u[2],
            wet=u[3] * (u[4] < 0.5),
        )
    if kind == "snow":
        grey = _rgb(0.60, 0.63, 0.67) * (0.75 + 0.4 * u[0])
        return Light(
            _direction(azimuth, 0.5),
            _rgb(0.3, 0.28, 0.25) * u[1],
            grey * 0.9,
            grey,
            _rgb(0.35, 0.35, 0.36),
            1.0,
            0.004,
            lit=0.15 * u[2],
            snow=1.0,
        )
    if kind == "haze":
        pale = _rgb(0.66, 0.68, 0.68) * (0.8 + 0.3 * u[0])
        return Light(
            _direction(azimuth, 0.3 + 0.5 * u[2]),
            _rgb(0.4, 0.35, 0.28),
            pale * 1.0,
            pale,
            _rgb(0.13, 0.12, 0.11),
            0.9,
            0.003 + 0.006 * u[1],
        )
    if kind == "dusk":
        low = _rgb(0.52, 0.34, 0.28) if u[0] < 0.6 else _rgb(0.30, 0.31, 0.40)
        return Light(
            _direction(azimuth, 0.08),
            _rgb(0.10, 0.05, 0.03),
            _rgb(0.10, 0.15, 0.30),
            low,
            _rgb(0.05, 0.04, 0.04),
            0.7 * u[1],
            0.0015,
            lit=0.25 + 0.3 * u[2],
            flood=0.25 * (u[3] > 0.4),
        )
    return Light(
        _direction(azimuth, 0.7),
        _rgb(0.012, 0.014, 0.02),
        _rgb(0.010, 0.014, 0.035),
        _rgb(0.045, 0.04, 0.055),
        _rgb(0.02, 0.015, 0.01),
        0.5 * u[0],
        0.001,
        lit=0.2 + 0.35 * u[1],
        flood=0.5 + 0.3 * u[2],
        wet=u[3],
    )


_CLOUDS = noise(np.random.default_rng(4), (256, 256), 1.75).astype(np.float32)


def lookup(field: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A seamless field with sides 256 at coordinates in repeats, nearest texel."""
    column = np.floor(x * 256).astype(np.int32) & 255
    row = np.floor(y * 256).astype(np.int32) & 255
    return field.take((row << 8) + column)


def sky(light: Light, rays: np.ndarray, drift: float) -> np.ndarray:
    """Radiance (N, 3) of the sky in directions (N, 3) float32; drift shifts the clouds."""
    rays = unit(rays)
    up = np.clip(rays[:, 2], 0, 1)
    colour = light.horizon + np.sqrt(up)[:, None] * (light.zenith - light.horizon)
    reach = np.float32(0.16) / (up + np.float32(0.09))
    shape = lookup(_CLOUDS, rays[:, 0] * reach + drift, rays[:, 1] * reach + 1.7 * drift)
    if light.cloud >= 0.99:
        return colour * (1 + np.float32(0.10) * shape)[:, None]
    toward = np.clip(rays @ light.sun, 0, 1)
    if light.sunlight.sum() > 0.5:
        glare = np.float32(1 - 0.7 * light.cloud) * (0.25 * toward**8 + toward**400)
        colour += glare[:, None] * light.sunlight
    dense = np.clip((shape + np.float32(2.2 * light.cloud - 1.3)) * np.float32(0.9), 0, 1)
    dense = (dense * np.clip(up * 9, 0, 1))[:, None]
    lit = np.float32(0.75) * light.horizon + (0.15 + 0.15 * toward)[:, None] * light.sunlight
    return colour + dense * (lit * (np.float32(1.05) - np.float32(0.45) * dense) - colour)
