"""Recipes: their paths, labels and columns, and what a config unfolds to."""

import re
import subprocess
import sys

import pytest

from pocketvlad.compression.recipe import Recipe
from pocketvlad.compression.recipes import (
    COLUMNS,
    KINDS,
    STATES,
    columns_of,
    paper_bits,
    recipe_of,
    study_recipes,
)
from pocketvlad.compression.recipes.pruned import PrunedQuantized
from pocketvlad.compression.recipes.rounded import Rounded
from pocketvlad.compression.recipes.searched import Searched

BLOCK = {
    "thresholds": ["0.005", "0.01"],
    "l1": ["0"],
    "quantizers": ["kmeans"],
    "bits": [8, 5],
    "codebooks": ["fixed"],
}
STUDY = {"seeds": [1, 2]}
PRUNED = PrunedQuantized(
    quantizer="kmeans-row", bits=5, codebook="trained", l1="0.00001", threshold="0.001"
)
# recipe, path, label, coding, bits that the paper would count
ALL = [
    (
        PRUNED,
        "0.001/l1-0.00001/kmeans-row-5-trained",
        "5 bits, kmeans-row, trained, L1 0.00001, threshold 0.001",
        "kmeans-row, trained, L1 0.00001",
        5,
    ),
    (
        PrunedQuantized(quantizer="uniform", bits=8, codebook="fixed", l1="0", threshold="0.05"),
        "0.05/l1-0/uniform-8-fixed",
        "8 bits, uniform, threshold 0.05",
        "uniform",
        8,
    ),
    (Rounded(distortion="0.4"), "rd/0.4", "rd, distortion 0.4", "rd", None),
    (Searched(target="drop-0.5"), "rd/drop-0.5", "rd, drop 0.5", "rd", None),
    (Searched(target="megabytes-4"), "rd/megabytes-4", "rd, megabytes 4", "rd", None),
]


@pytest.mark.parametrize(("recipe", "path", "label", "coding", "bits"), ALL)
def test_paths_name_recipes(recipe, path, label, coding, bits):
    assert recipe.version == path
    assert recipe_of(path) == recipe
    assert (recipe.label, recipe.coding) == (label, coding)
    assert recipe.fixed_bits == paper_bits(path) == bits
    # One kind alone knows the path, and its pattern has no groups: Snakemake's names are its own.
    assert [kind for kind in KINDS.values() if re.fullmatch(kind.pattern(), path)] == [type(recipe)]
    assert not re.compile(recipe.pattern()).groups


def test_every_kind_is_tried():
    assert {type(recipe) for recipe, *_ in ALL} == set(KINDS.values())


def test_columns_are_the_fields_of_a_kind_and_no_others():
    assert PRUNED.columns() == columns_of(PRUNED.version)
    assert PRUNED.columns() == {
        "recipe": "pruned",
        "quantizer": "kmeans-row",
        "bits": 5,
        "codebook": "trained",
        "l1": "0.00001",
        "threshold": "0.001",
    }
    assert Rounded(distortion="0.1").columns() == {"recipe": "rounded", "distortion": "0.1"}
    assert Searched(target="drop-1").columns() == {"recipe": "searched", "target": "drop-1"}
    # Those of the study's table, in the order in which it has them.
    names = ["recipe", "quantizer", "bits", "codebook", "l1", "threshold", "distortion"]
    assert list(COLUMNS) == names
    assert [name for name, kind in COLUMNS.items() if kind is int] == ["bits"]


@pytest.mark.parametrize("state", STATES)
def test_a_model_before_compression_is_no_recipe(state):
    assert recipe_of(state) is None
    assert columns_of(state) == {"recipe": state, "bits": 32}
    assert paper_bits(state) == 32


@pytest.mark.parametrize(
    "version",
    [
        "",
        "0.01/l1-0/pruned",
        "0.01/l1-0/median-5-fixed",
        "0.01/l1-0/kmeans-9-fixed",
        "0.10/l1-0/kmeans-5-fixed",
        "0.01/l1-0/kmeans-5-fixed.pvlad",
        "rd/1",
        "rd/size-4",
        "int8",
    ],
)
def test_other_paths_name_no_recipe(version):
    assert recipe_of(version) is None
    assert columns_of(version) == {}
    assert paper_bits(version) is None


def test_only_what_was_pruned_has_a_pruned_model_before_it():
    assert PRUNED.pruning == "0.001/l1-0.00001"
    assert Rounded(distortion="0.1").pruning is None


def test_blocks_unfold_to_every_combination_once():
    overlapping = BLOCK | {"thresholds": ["0.01"], "codebooks": ["fixed", "trained"]}
    config = STUDY | {"grid": [BLOCK, overlapping], "rd": {"distortions": ["0.4", "0.1"]}}
    assert [recipe.version for recipe in study_recipes(config)] == [
        "0.005/l1-0/kmeans-8-fixed",
        "0.005/l1-0/kmeans-5-fixed",
        "0.01/l1-0/kmeans-8-fixed",
        "0.01/l1-0/kmeans-5-fixed",
        "0.01/l1-0/kmeans-8-trained",
        "0.01/l1-0/kmeans-5-trained",
        "rd/0.4",
        "rd/0.1",
    ]


def test_targets_are_no_part_of_the_study_itself():
    config = STUDY | {"grid": [BLOCK], "rd": {"targets": [{"drop": 0.5}, {"megabytes": 4}]}}
    assert all(isinstance(recipe, PrunedQuantized) for recipe in study_recipes(config))
    assert [recipe.version for recipe in Searched.of_config(config)] == [
        "rd/drop-0.5",
        "rd/megabytes-4",
    ]
    assert Searched.of_config(STUDY | {"grid": [BLOCK]}) == {}


def test_recipes_have_the_seeds_of_their_sections():
    both = BLOCK | {"thresholds": ["0.01"], "bits": [5], "seeds": [4, 9]}
    rounding = {
        "distortions": ["0.4", "0.8"],
        "targets": [{"drop": 0.5}],
        "seeds": [4, 0],
        "first_seed": ["0.8"],
    }
    config = {"seeds": [4, 0, 9], "grid": [BLOCK | {"seeds": [4]}, both], "rd": rounding}
    assert {each.version: seeds for each, seeds in study_recipes(config).items()} == {
        "0.005/l1-0/kmeans-8-fixed": [4],
        "0.005/l1-0/kmeans-5-fixed": [4],
        "0.01/l1-0/kmeans-8-fixed": [4],
        "0.01/l1-0/kmeans-5-fixed": [4, 9],
        "rd/0.8": [4],
        "rd/0.4": [4, 0],
    }
    # A search takes long, and a section without seeds has all of the study's.
    assert list(Searched.of_config(config).values()) == [[4]]
    del config["grid"][1]["seeds"], rounding["seeds"]
    assert list(study_recipes(config).values()) == [[4], [4], [4], [4, 0, 9], [4, 0, 9], [4]]


def test_a_model_may_have_cells_of_its_own():
    own = BLOCK | {"thresholds": ["0.001"], "bits": [5]}
    config = STUDY | {"grid": [BLOCK | {"bits": [8]}], "rd": {"distortions": ["0.4"]}}
    config["models"] = {"vgg16": {}, "lite0": {"grid": [own], "distortions": ["0.02"]}}
    shared = ["0.005/l1-0/kmeans-8-fixed", "0.01/l1-0/kmeans-8-fixed"]
    cells = {
        model: [recipe.version for recipe in study_recipes(config, model)]
        for model in ("vgg16", "lite0", None)
    }
    assert cells == {
        "vgg16": [*shared, "rd/0.4"],
        "lite0": ["0.001/l1-0/kmeans-5-fixed", "rd/0.02"],
        None: [*shared, "0.001/l1-0/kmeans-5-fixed", "rd/0.4", "rd/0.02"],
    }


def test_a_base_class_is_no_kind():
    assert Recipe not in KINDS.values()
    assert list(KINDS) == ["pruned", "rounded", "searched"]


def test_recipes_need_neither_torch_nor_numpy():
    code = "import sys, pocketvlad.compression.recipes; print({'torch', 'numpy'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
