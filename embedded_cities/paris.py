"""A classical city: its eleven landmarks and their materials."""

from embedded_cities import paris_monuments, paris_palaces
from embedded_cities.atlas import Atlas, Kit

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


_MATERIALS = {
    "iron_tower": ("iron", "iron", "iron", "iron"),
    "victory_arch": ("limestone", "cream", "lead", "lead"),
    "hero_dome": ("sandstone", "limestone", "slate", "gilt"),
    "opera_house": ("cream", "limestone", "copper", "copper"),
    "cathedral": ("greystone", "greystone", "lead", "slate"),
    "white_basilica": ("white", "white", "zinc", "white"),
    "town_hall": ("honey", "cream", "slate", "slate"),
    "victory_column": ("limestone", "bronze", "lead", "bronze"),
    "temple_front": ("rustic", "honey", "tile", "lead"),
    "winter_garden": ("redbrick", "white", "zinc", "zinc"),
    "river_palace": ("brownbrick", "sandstone", "slate", "slate"),
}
"""Wall, trim, roof and dome of each landmark; other buildings of the city share them."""


def kit_for(atlas: Atlas, name: str) -> Kit:
    """The materials of a landmark."""
    return Kit(atlas, *_MATERIALS[name])
