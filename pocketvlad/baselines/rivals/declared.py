"""The rivals of a study: what its config asks of each coder. Free of torch."""

from collections.abc import Mapping

from pocketvlad.baselines.rivals import coders
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.compression.recipes import KINDS
from pocketvlad.compression.recipes.pruned import PrunedQuantized
from pocketvlad.util.discovery import modules_in


def declared_rivals(config: Mapping) -> list[Rival]:
    """The rivals of a study, coder by coder.

    Args:
        config: a checked one with a section `rivals`.

    Raises:
        ValueError: the section names what the study does not make; says what it does.
    """
    made = Made(
        [recipe.version for kind in KINDS.values() for recipe in kind.of_config(config)],
        {
            recipe.threshold: f"{recipe.pruning}/pruned"
            for recipe in PrunedQuantized.of_config(config)
            if recipe.l1 == "0"
        },
    )
    found: list[Rival] = []
    faults: list[str] = []
    for coder in modules_in(coders.__name__, coders.__path__).values():
        try:
            found += coder.rivals(config["rivals"], made)
        except ValueError as error:
            faults.append(str(error))
    if "rd" not in config and (fitted := [rival.label for rival in found if rival.fitted]):
        faults.append(
            f"rivals: {fitted[0]} is fitted to the crops that rd rounds on; add a section rd, or "
            "leave it out"
        )
    if faults:
        raise ValueError("\n  ".join(["the config is wrong:", *dict.fromkeys(faults)]))
    return found
