"""The kinds of recipes, a module each, found by its file name. Free of torch.

Hands out the registry: from a path to the recipe, from a config to the study's recipes, and the
columns that recipes have in tables. The base model and its earlier states are no recipes; `version`
is the part of a path that names any model.

>>> recipe_of("0.005/l1-0/kmeans-5-fixed").label
'5 bits, kmeans, threshold 0.005'
"""

from collections.abc import Mapping
from dataclasses import fields
from types import ModuleType

from pocketvlad.compression.recipe import Recipe
from pocketvlad.util.discovery import modules_in
from pocketvlad.util.size import FLOAT32_BITS

BASE = "base"
STATES = ("untrained", "initial", BASE)
"""Versions of a model before compression, its weights in float32."""


def _kind(module: ModuleType) -> type[Recipe]:
    """The one kind that a module defines."""
    [found] = (
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Recipe) and each is not Recipe
    )
    return found


KINDS: dict[str, type[Recipe]] = {
    kind.NAME: kind for kind in map(_kind, modules_in(__name__, __path__).values())
}
"""By their names; tables have their lines in this order."""

COLUMNS: dict[str, type] = {"recipe": str} | {
    each.name: each.type for kind in KINDS.values() if kind.TABULATED for each in fields(kind)
}
"""The columns of recipes in the results table, and whether they hold texts or numbers. A line has
those of its own kind; the others are blank."""


def recipe_of(version: str) -> Recipe | None:
    """The recipe that a path names; None for any other model, such as "base"."""
    for kind in KINDS.values():
        if recipe := kind.of_version(version):
            return recipe
    return None


def study_recipes(config: Mapping, model: str | None = None) -> dict[Recipe, list[int]]:
    """The recipes of a study's own table, kind by kind, each with the seeds of the trainings that
    it is applied to.

    Args:
        config: a checked one.
        model: those of one model; of all unless told.
    """
    found: dict[Recipe, list[int]] = {}
    for kind in KINDS.values():
        if kind.TABULATED:
            found |= kind.of_config(config, model)
    return found


def columns_of(version: str) -> dict[str, object]:
    """What rows of scores and of the table say of how a model was made; states have 32 bits.

    >>> columns_of("base")
    {'recipe': 'base', 'bits': 32}
    """
    if version in STATES:
        return {"recipe": version, "bits": FLOAT32_BITS}
    recipe = recipe_of(version)
    return recipe.columns() if recipe else {}


def paper_bits(version: str) -> int | None:
    """The bits by which the paper's way counts a model's memory; None where it does not apply."""
    if version in STATES:
        return FLOAT32_BITS
    recipe = recipe_of(version)
    return recipe.fixed_bits if recipe else None
