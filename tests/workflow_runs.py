"""Running a copy of the workflow, for the tests that do."""

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from snakemake.utils import update_config

from pocketvlad.study.config import leave_out_empty

ROOT = Path(__file__).resolve().parent.parent
OFFICIAL = Path("pocketvlad") / "data" / "official"
PARTS = (
    "Snakefile",
    "rules",
    "report",
    "workflow",
    "workflow_scripts",
    "pocketvlad",
    "embedded_cities",
    "config",
    "config.yaml",
    "envs",
    "profiles",
)


STUDIES = ["config.yaml", *(f"config/{each}.yaml" for each in ("subset", "phone", "paper"))]
"""The configs of the studies."""
CROPS = ("config/subset.yaml", "config/subset-crops.yaml")
"""A study that is laid over another: `--configfile` and both."""


def load_config(*paths: Path) -> dict:
    """A study's config with the official data sets and sources, as Snakemake puts them together.

    Args:
        paths: its file, and files that are laid over it.
    """
    config: dict = {}
    for path in paths:
        update_config(config, yaml.safe_load(path.read_text(encoding="utf-8")))
    leave_out_empty(config)
    for section in ("sources", "datasets"):
        shared = yaml.safe_load((ROOT / OFFICIAL / f"{section}.yaml").read_text(encoding="utf-8"))
        config[section] = {**shared[section], **config.get(section, {})}
    return config


def copy_workflow(target: Path) -> Path:
    """The workflow's own files, and nothing that a run has left behind."""
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / part, ignore=ignore)
        else:
            shutil.copy(source, target / part)
    return target


def small_model(config: dict) -> dict:
    """The config with one model, and settings under which every job takes a few seconds."""
    config = copy.deepcopy(config)
    config["models"] = {"vgg16": config["models"]["vgg16"]}
    # Where these are wanted, they have settings that take less time.
    del config["rd"], config["map"], config["models"]["vgg16"]["codes"]
    config["models"]["vgg16"]["pooling"]["clusters"] = 4
    config["models"]["vgg16"]["projection"]["length"] = 16
    config["protocol"]["image_size"] = 96
    config["initialise"] |= {"locals_per_image": 20, "projection_samples": 60}
    config["training"] |= {"epochs": 1, "tuples": 8, "image_size": 67, "pool": 12}
    config["validation"] |= {"images": 6, "queries": 6}
    config["recovery"] |= {"crops": 8, "crops_per_step": 4, "image_size": 67}
    config["recovery"]["reconstruction"] |= {"crops": 4, "patches": 200, "projection_crops": 4}
    return config


def shrink_cities(config: dict) -> None:
    """Give the drawn cities 34 pictures each, in place."""
    for city in ("mini-oxford", "mini-paris"):
        spec = config["datasets"][city]
        spec["render"].update(landmarks=4, queries=2, views=7, distractors=6, size=96)
        spec.update(expected_images=34, expected_queries=8)


QUICK_ROUNDING = {
    "image_size": 67,
    "crops": 4,
    "patches": 200,
    "projection_crops": 8,
    "ridge": 0.3,
    "sweeps": 2,
}


def small_study_config(config: dict) -> dict:
    """The config of the study `small`: one model, 34 pictures a city, a cell of each kind."""
    config = small_model(config)
    config["study"] = "small"
    shrink_cities(config)
    config["grid"] = [
        {
            "thresholds": ["0.01"],
            "l1": ["0"],
            "quantizers": ["kmeans"],
            "bits": [5],
            "codebooks": ["fixed", "trained"],
        }
    ]
    config["rd"] = {
        "distortions": ["0.2"],
        # No jobs of the study itself; test_budgets_study.py asks for them.
        "targets": [{"drop": 30}, {"megabytes": 0.1}],
        "trials": 3,
        "length": "choose",
        "lengths": [12, 8],
        "length_drop": 15,
        **QUICK_ROUNDING,
    }
    # Likewise; test_rivals_study.py asks for them.
    config["rivals"] = {
        "deep_compression": {"thresholds": ["0.01"]},
        "cerwu": {"steps": [1.5], "multipliers": [0.1]},
        "cells": ["0.01/l1-0/kmeans-5-fixed"],
    }
    return config


def snakemake(
    folder: Path, *arguments: str, check: bool = True, environment: dict[str, str] | None = None
) -> str:
    """What Snakemake prints in `folder`; with `check` it must succeed.

    Args:
        environment: variables on top of this process's own.
    """
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=500,
    )
    output = result.stdout + result.stderr
    if check:
        assert result.returncode == 0, output[-5000:]
    return output


def job_counts(output: str) -> dict[str, int]:
    """The table "Job stats" of Snakemake's output, without its total."""
    found = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)^total", output, re.M | re.S)
    if found is None:
        assert "Nothing to be done" in output, output[-3000:]
        return {}
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", found[1], re.M)}
