"""A classical city: its eleven landmarks and their materials."""

import numpy as np

from pocketvlad.mini import paris_monuments, paris_palaces
from pocketvlad.mini.atlas import Atlas, Kit

LANDMARKS = {
    "iron_tower": paris_monuments.iron_tower,
    "victory_arch": paris_monuments.victory_arch,
    "hero_dome": paris_palaces.hero_dome,
    "opera_house": paris_palaces.opera_house,
    "cathedral": paris_palaces.cathedral,
    "white_basilica": paris_palaces.white_basilica,
    "town_hall": paris_palaces.town_hall,
    "victory_column": paris_monuments.victory_column,
    "temple_front": paris_monuments.temple_front,
    "winter_garden": paris_monuments.winter_garden,
    "river_palace": paris_palaces.river_palace,
}
"""Designs by name; a city with fewer landmarks takes the first ones."""


def kit_for(atlas: Atlas, name: str, rng: np.random.Generator) -> Kit:
    """The materials of a landmark: most of the city shares one pale limestone."""
    wall = str(rng.choice(["limestone", "limestone", "cream"]))
    wall = {"white_basilica": "white", "river_palace": "sandstone"}.get(name, wall)
    roof = str(rng.choice(["slate", "zinc", "slate"]))
    return Kit(atlas, wall, "limestone", roof, str(rng.choice(["lead", "slate"])))
