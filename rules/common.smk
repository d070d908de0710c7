# What all stages share: the checked config, the paths of the grid, the state of the library.
import os
import sys
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from pocketvlad.config import (
    ConfigError,
    check_config,
    data_folder,
    embedded_weights,
    local_file,
)
from pocketvlad.grid import grid_cells
from pocketvlad.imports import digest, package_modules, pass_on_path
from pocketvlad.summary import summary_text

# Jobs find the package whether or not it is installed.
pass_on_path(workflow.basedir)

try:
    check_config(config, Path(workflow.basedir) / "config" / "schema.yaml")
except ConfigError as error:
    raise WorkflowError(str(error)) from None

STUDY = config["study"]
DATA_FOLDER = data_folder(config)
CITIES = list(config["cities"])
MODELS = list(config["models"])
CELLS = grid_cells(config["grid"])


wildcard_constraints:
    study=STUDY,
    city="|".join(CITIES),
    model="|".join(MODELS),
    threshold=r"0\.\d*[1-9]",
    l1=r"0|0\.\d*[1-9]",
    quantizer="[a-z]+(?:-row)?",
    bits=r"\d",
    version=r"untrained|initial|base|0\.\d*[1-9]/l1-(?:0|0\.\d*[1-9])/[a-z]+(?:-row)?-\d-(?:fixed|trained)",


# A pretrained network is compared with a random one, too, where that costs little: with narrow
# backbones.
UNTRAINED = [
    name
    for name in MODELS
    if config["models"][name]["weights"]["source"] == "buildings"
]


def library(script):
    """A digest of the package's modules that a rule's script imports.

    As a parameter it makes the rule's jobs run again when one of the modules is edited. (As inputs
    the modules themselves would do so, too; but Snakemake looks at every input of every waiting
    job each time it starts one.)
    """
    root = Path(workflow.basedir)
    return digest(package_modules(root / "workflow_scripts" / f"{script}.py", root))


def test_city(training_city):
    """The role of the city that a model trained on `training_city` is tested on."""
    return next(city for city in CITIES if city != training_city)


def dataset_of(city):
    """The declaration of the data set that plays a role."""
    return config["datasets"][config["cities"][city]]


def seed_of(*parts):
    """A seed of its own for each job: the study's seed and what tells the job from others."""
    return f"{config['seed']}/{'/'.join(parts)}"


def archive_paths(city, kind):
    """Where the archives of one kind (images, ground_truth) of a city lie or will lie."""
    dataset = dataset_of(city)
    if "render" in dataset:
        suffix = {"images": "images.tar", "ground_truth": "ground_truth.tgz"}[kind]
        return [f"results/{STUDY}/data/{city}/archives/{suffix}"]
    paths = []
    for archive in dataset[kind]:
        local = [url for url in archive["urls"] if url.startswith("file:")]
        paths.append(
            str(local_file(local[0], DATA_FOLDER))
            if local
            else f"resources/{config['cities'][city]}/{Path(archive['urls'][0]).name}"
        )
    return paths


def archive_checksums(city, kind):
    """The declared checksum of each archive, or None."""
    return [archive.get("checksum") for archive in dataset_of(city).get(kind, [])]


def declared_archive(dataset, file):
    """The declaration of the archive that is fetched to resources/<dataset>/<file>."""
    found = config["datasets"].get(dataset, {})
    for kind in ("images", "ground_truth"):
        for archive in found.get(kind, []):
            if Path(archive["urls"][0]).name == file:
                return archive
    raise WorkflowError(f"no data set of the config has an archive {dataset}/{file}")


def weights_file(model):
    """The file that a model's convolutions start from, as a list that may be empty."""
    declared = config["models"][model]
    weights = declared["weights"]
    if weights["source"] == "buildings":
        return [
            os.path.relpath(embedded_weights(declared["backbone"], declared["width"]))
        ]
    return [str(local_file(weights["file"], DATA_FOLDER))] if "file" in weights else []


def model_file(wildcards):
    """The file behind a version: compressed for a cell, float32 for all others."""
    suffix = "pvlad" if "-" in wildcards.version else "safetensors"
    return f"results/{{study}}/models/{{model}}/{{city}}/{wildcards.version}.{suffix}"
