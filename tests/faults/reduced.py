"""The studies that suffer: small ones, which between them have jobs of all rules but `NEVER`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from file_server import body, file_server
from striped_city import write_city
from study_tables import CITIES, study_table
from workflow_runs import ROOT, copy_workflow, small_study_config

from embedded_cities.city import CitySpec
from embedded_cities.city import write_city as draw_city

NEVER = {
    "measure_backend": "what it chooses, and so the last digits of all scores, may vary",
    "plot_bytes": "it is plot_layers, for models that are never pruned",
}
"""Rules of which no campaign has a job, and why."""

_UNASKED = ("maps", "rivals", "budgets", "city", "pretrain")


@dataclass(frozen=True)
class Reduced:
    """A study that a campaign makes again and again.

    config: its file.  given: a folder of its user's files, which lie beside the workflow's.
    targets: what is made; without, what Snakemake makes unasked.  rules: whose jobs are disturbed;
    without, those of all rules.
    """

    config: Path
    given: Path | None = None
    targets: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return yaml.safe_load(self.config.read_text())["study"]

    def write_clone(self, folder: Path) -> None:
        """The workflow and this study."""
        copy_workflow(folder)
        shutil.copyfile(self.config, folder / "config.yaml")
        if self.given:
            shutil.copytree(self.given, folder, dirs_exist_ok=True)

    def run_undisturbed(self, folder: Path) -> None:
        """Make it in a clone, which is kept."""
        self.write_clone(folder)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *self.targets]
        data = {"POCKETVLAD_DATA": str(folder / "data")}
        subprocess.run(command, cwd=folder, check=True, env=os.environ | data)


@contextmanager
def plain_study(folder: Path) -> Iterator[Reduced]:
    """What the README's command makes, of one model."""
    yield Reduced(_written(folder, _config()))


@contextmanager
def asked_study(folder: Path) -> Iterator[Reduced]:
    """What is made only if it is asked for or declared: downloads, test sets, rivals, budgets, a
    packed city, pretrained weights, a figure of several studies. A server on this machine has the
    archives of one city as long as the block lasts."""
    given = folder / "given"
    (given / "data").mkdir(parents=True)
    write_city(given / "data")
    config = _config()
    config["grid"][0]["codebooks"] = ["fixed"]
    config["figures"] = {"studies": ["other"]}
    config["test_sets"] = {"home": "own-home"}
    config["datasets"]["own-home"] = {
        "folder": "home",
        "ground_truth": "home.csv",
        "positions": "names",
    }
    config["pretraining"]["buildings"] |= {"buildings": 4, "views": 4, "size": 80}
    config["pretraining"]["classifier"] |= {"epochs": 3, "batch": 4, "image_size": 67}
    other = given / "results" / "other" / "table.csv"
    other.parent.mkdir(parents=True)
    same = {"protocol_image_size": 96, "evaluation": "original"}
    for city in CITIES:
        same |= {f"dataset_{city}": config["cities"][city]}
        same |= {f"images_{city}": 34, f"dense_queries_{city}": 24}
    study_table().assign(**same).to_csv(other)
    with file_server() as server:
        paris = config["datasets"]["mini-paris"]
        spec, archives = CitySpec(**paris.pop("render")), folder / "served"
        archives.mkdir()
        images, lists = archives / "paris-images.tar", archives / "paris-lists.tgz"
        draw_city(spec, images, lists, positions=given / "data" / "paris.csv")
        config["sources"] = {
            path.name: {"urls": [server.put(f"/{path.name}", body(path.read_bytes()))]}
            for path in (images, lists)
        }
        paris |= {"images": [images.name], "ground_truth": [lists.name], "positions": "paris.csv"}
        yield Reduced(
            _written(folder, config),
            given,
            (
                *_UNASKED,
                *(f"results/small/{name}" for name in ("preview.txt", "plots/studies.svg")),
            ),
            ASKED,
        )


STUDIES: dict[str, Callable] = {"plain": plain_study, "asked": asked_study}
"""By name what prepares a study in an empty folder."""

ASKED = (
    "download_source",
    "link_images",
    "render_buildings",
    "pretrain_backbone",
    "evaluate_test_set",
    "describe_test_set",
    "code_test_maps",
    "search_budgets",
    "tabulate_budgets",
    "compress_rival",
    "compress_symbols",
    "evaluate_rival",
    "evaluate_rival_test_set",
    "tabulate_rivals",
    "tabulate_preview",
    "pack_city",
    "plot_studies",
)
"""The rules that only `asked_study` has."""


def _config() -> dict:
    study = small_study_config(yaml.safe_load((ROOT / "config.yaml").read_text()))
    study["map"] = {"codes": ["int8"], "cells": []}
    study["models"]["vgg16"]["codes"] = ["int8"]
    return study


def _written(folder: Path, study: dict) -> Path:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return path
