"""A collegiate stone city: its eleven landmarks and their materials."""

import numpy as np

from pocketvlad.mini import oxford_halls, oxford_towers
from pocketvlad.mini.atlas import Atlas, Kit

LANDMARKS = {
    "bell_tower": oxford_towers.bell_tower,
    "rotunda": oxford_towers.rotunda,
    "gate_tower": oxford_towers.gate_tower,
    "great_hall": oxford_halls.great_hall,
    "spire_church": oxford_towers.spire_church,
    "observatory": oxford_towers.observatory,
    "cloister": oxford_halls.cloister,
    "museum": oxford_halls.museum,
    "twin_chapel": oxford_halls.twin_chapel,
    "castle_keep": oxford_towers.keep,
    "sky_bridge": oxford_halls.sky_bridge,
}
"""Designs by name; a city with fewer landmarks takes the first ones."""


def kit_for(atlas: Atlas, name: str, rng: np.random.Generator) -> Kit:
    """The materials of a landmark: most of the city shares one honey-coloured stone."""
    wall = str(rng.choice(["honey", "honey", "sandstone"]))
    wall = {"museum": "redbrick", "castle_keep": "greystone"}.get(name, wall)
    roof = str(rng.choice(["stoneslate", "slate", "slate"]))
    return Kit(atlas, wall, "honey" if wall != "greystone" else "sandstone", roof)
