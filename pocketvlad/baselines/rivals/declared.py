"""The rivals of a study: what the config's section `rivals` unfolds to. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pocketvlad.baselines.rivals.symbols import METHODS, ZSTD_LEVEL
from pocketvlad.compression.recipes import KINDS
from pocketvlad.compression.recipes.pruned import PrunedQuantized


@dataclass(frozen=True)
class Rival:
    """name: the part of a path.  label: in words.  coder: a module of this package.  source: the
    version of the model that it is given.  settings: of the coder's `encode`.  of_cell: whether
    the source is a cell, whose symbols are coded without loss: its scores are the cell's."""

    name: str
    label: str
    coder: str
    source: str
    settings: dict[str, object] = field(default_factory=dict)
    of_cell: bool = False


def _of_cell(version: str) -> list[Rival]:
    words = {"zstd": f"zstd -{ZSTD_LEVEL}", "xz": "xz"}
    flat = version.replace("/", "-")
    return [
        Rival(f"pvlad_{flat}", "our format", "pvlad", version, of_cell=True),
        *(
            Rival(f"{each}_{flat}", words[each], "symbols", version, {"method": each}, True)
            for each in METHODS
        ),
    ]


def _check(config: Mapping) -> None:
    """Hold the section against what the study makes: a rival must not have a model made for it."""
    section = config["rivals"]
    pruned = [r.threshold for r in PrunedQuantized.of_config(config) if r.l1 == "0"]
    recipes = [recipe for kind in KINDS.values() for recipe in kind.of_config(config)]
    asked = {
        "deep_compression.thresholds": (
            section.get("deep_compression", {}).get("thresholds", []),
            pruned,
            "the grid does not prune it without an L1 penalty",
        ),
        "cells": (
            section.get("cells", []),
            [recipe.version for recipe in recipes],
            "the study has no such cell",
        ),
    }
    faults = [
        f"rivals.{key}: {name!r}: {fault}; choose among {', '.join(dict.fromkeys(made)) or 'none'}"
        for key, (names, made, fault) in asked.items()
        for name in names
        if name not in made
    ]
    if faults:
        raise ValueError("the config is wrong:\n  " + "\n  ".join(faults))


def declared_rivals(config: Mapping) -> list[Rival]:
    """The rivals of a study.

    Args:
        config: a checked one with a section `rivals`.

    Raises:
        ValueError: the section names what the study does not make; says what it does.
    """
    _check(config)
    section = config["rivals"]
    rivals = [
        Rival("float16", "float16", "float16", "base"),
        Rival("int8", "int8 per channel", "int8", "base"),
    ]
    for threshold in section.get("deep_compression", {}).get("thresholds", []):
        label = f"Deep Compression, {threshold}"
        source = f"{threshold}/l1-0/pruned"
        rivals.append(Rival(f"deep-compression_{threshold}", label, "deep_compression", source))
    for key, rows in (("qp", False), ("row_qp", True)):
        for qp in section.get("nncodec", {}).get(key, []):
            words = "nncodec by rows" if rows else "nncodec"
            name = f"nncodec{'-rows' if rows else ''}_qp{qp}"
            settings = {"qp": qp, "rows": rows}
            rivals.append(Rival(name, f"{words}, qp {qp}", "nncodec", "base", settings))
    return rivals + [rival for cell in section.get("cells", []) for rival in _of_cell(cell)]
