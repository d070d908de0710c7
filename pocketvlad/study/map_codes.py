"""The maps of a study: of which models, by which codes."""

from collections.abc import Iterable, Iterator, Mapping

from pocketvlad.compression.recipes import BASE, study_recipes
from pocketvlad.compression.recipes.rounded import Rounded
from pocketvlad.maps.map_code import EXACT, Code, code_named
from pocketvlad.networks.architecture import Architecture


def map_codes(config: Mapping, model: str) -> list[str]:
    """The short texts of a model's codes, EXACT first, which drops refer to; none without a map."""
    shared = config["map"]["codes"] if "map" in config else []
    own = config["models"][model].get("codes", shared)
    return list(dict.fromkeys([EXACT, *own])) if own else []


def map_versions(config: Mapping, model: str) -> list[str]:
    """The base model and the cells whose descriptors are coded; none where it has no map.

    Args:
        config: a checked one.
    """
    if not map_codes(config, model):
        return []
    named = config["map"].get("cells")
    made = study_recipes(config, model)
    cells = [
        recipe.version
        for recipe in made
        if (isinstance(recipe, Rounded) if named is None else recipe.version in named)
    ]
    return [BASE, *cells]


def code_declarations(config: Mapping, models: Iterable[str]) -> list[type[Code]]:
    """The classes of all codes of some models, finer ones among them."""
    texts = [text for model in models for text in map_codes(config, model)]
    found = [code_named(text) for text in texts]
    found += [code.finer for code in found if code.finer]
    return list(dict.fromkeys(map(type, found)))


def _codes(config: Mapping) -> Iterator[tuple[str, str, int]]:
    """(key, short text, components of the shortest descriptor) of every code."""
    lengths = {name: Architecture.of(model).length for name, model in config["models"].items()}
    shared = [lengths[name] for name, model in config["models"].items() if "codes" not in model]
    for number, text in enumerate(config["map"]["codes"]):
        if shared:
            yield f"map.codes.{number}", text, min(shared)
    for name, model in config["models"].items():
        for number, text in enumerate(model.get("codes", [])):
            yield f"models.{name}.codes.{number}", text, lengths[name]


def unfit_map(config: Mapping) -> Iterator[str]:
    """A line for each fault of the section `map`, once the models' parts are valid."""
    if "map" not in config:
        for name, model in config["models"].items():
            if "codes" in model:
                yield (
                    f"models.{name}.codes: {model['codes']} has no effect without a section map; "
                    "add it, or remove them"
                )
        return
    for key, text, length in _codes(config):
        try:
            code = code_named(text)
        except ValueError as error:
            yield f"{key}: {error}"
            continue
        if code.short != text:
            yield f"{key}: write {code.short!r} for {text!r}"
        if code.least_components > length:
            yield (
                f"{key}: {text!r} needs descriptors of {code.least_components} components or more, "
                f"and they have {length}; write a shorter code"
            )
    first = config["seeds"][0]
    made = {
        recipe.version
        for model in config["models"]
        for recipe, seeds in study_recipes(config, model).items()
        if first in seeds
    }
    for number, version in enumerate(config["map"].get("cells", [])):
        if version not in made:
            known = ", ".join(sorted(made)) or "none"
            yield f"map.cells.{number}: {version!r} is no cell of the study; known are {known}"
