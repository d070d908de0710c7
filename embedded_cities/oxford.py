"""A collegiate stone city: its eleven landmarks and their materials."""

from embedded_cities import oxford_halls, oxford_towers
from embedded_cities.atlas import Atlas, Kit

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


_MATERIALS = {
    "bell_tower": ("honey", "honey", "slate", "lead"),
    "rotunda": ("limestone", "limestone", "lead", "copper"),
    "gate_tower": ("greystone", "sandstone", "slate", "lead"),
    "great_hall": ("redbrick", "limestone", "slate", "lead"),
    "spire_church": ("rustic", "honey", "stoneslate", "lead"),
    "observatory": ("cream", "white", "zinc", "copper"),
    "cloister": ("sandstone", "honey", "tile", "lead"),
    "museum": ("brownbrick", "cream", "slate", "zinc"),
    "twin_chapel": ("white", "limestone", "copper", "lead"),
    "castle_keep": ("greystone", "greystone", "stoneslate", "slate"),
    "sky_bridge": ("honey", "white", "tile", "lead"),
}
"""Wall, trim, roof and dome of each landmark; other buildings of the city share them."""


def kit_for(atlas: Atlas, name: str) -> Kit:
    """The materials of a landmark."""
    return Kit(atlas, *_MATERIALS[name])
