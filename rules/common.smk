# What all stages share: the checked config, the paths of the grid, the state of the library.
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path

# The repository, whichever Snakefile includes this file.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
sys.path.insert(0, str(ROOT))

from pocketvlad.data.declarations import data_folder, is_table, local_file, source_names
from pocketvlad.study.config import (
    ConfigError,
    check_config,
    embedded_weights,
    require_local_data,
    used_settings,
)
from pocketvlad.compression.recipes import (
    KINDS,
    STATES,
    columns_of,
    paper_bits,
    study_recipes,
)
from pocketvlad.compression.recipes.searched import Searched
from pocketvlad.data.image_files import find_images, state
from pocketvlad.util.code_digest import digest, package_modules
from pocketvlad.study.job import pass_on_path
from pocketvlad.baselines.rivals.declared import declared_rivals
from pocketvlad.data.sources import declared_source, source_path
from pocketvlad.report.summary import summary_text

# Jobs find the package whether or not it is installed.
pass_on_path(str(ROOT))

try:
    check_config(config, ROOT / "config" / "schema.yaml")
    require_local_data(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

STUDY = config["study"]
DATA_FOLDER = data_folder(config)
SOURCES = {name: declared_source(config["sources"], name) for name in config["sources"]}
CITIES = list(config["cities"])
MODELS = list(config["models"])
# What made the models of the study's table, and where these lie.
RECIPES = study_recipes(config)
VERSIONS = [recipe.version for recipe in RECIPES]
# The pruned models that some of them start from.
PRUNINGS = list(dict.fromkeys(filter(None, (recipe.pruning for recipe in RECIPES))))
# How models are rounded, whatever the distortion.
ROUNDING = {
    key: value
    for key, value in config.get("rd", {}).items()
    if key not in ("distortions", "targets", "trials")
}
# Models that a search for a target finds, never part of the study's own table.
BUDGETS = [recipe.version for recipe in Searched.of_config(config)]
# What of `compute` a result may depend on.
COMPUTE = {key: config["compute"][key] for key in ("device", "precision")}
# With `--resources gpu=1` as many jobs at a time as there are GPUs.
GPUS = int(config["compute"]["device"] != "cpu")


wildcard_constraints:
    **{name: each for kind in KINDS.values() for name, each in kind.patterns().items()},
    city="|".join(CITIES),
    model="|".join(MODELS),
    version="|".join([*STATES, *(kind.pattern() for kind in KINDS.values())]),


# A pretrained network is compared with a random one, too, where that costs little: with narrow
# backbones.
UNTRAINED = [
    name
    for name in MODELS
    if config["models"][name]["weights"]["source"] == "buildings"
]


def result(path):
    """A file or folder of the study's results."""
    return f"results/{STUDY}/{path}"


def log_file(job):
    """Where a job's messages go."""
    return f"logs/{STUDY}/{job}.log"


def timing(job):
    """Where Snakemake writes a job's time and memory."""
    return f"benchmarks/{STUDY}/{job}.tsv"


def filled(paths, **values):
    """Paths filled in for every model and city, unless `values` says which, and every value."""
    return expand(paths, **({"model": MODELS, "city": CITIES} | values))


def library(script, *started):
    """A digest of the package's modules that a rule's script imports.

    As a parameter it makes the rule's jobs run again when one of the modules is edited. (As inputs
    the modules themselves would do so, too; but Snakemake looks at every input of every waiting
    job each time it starts one.)

    Args:
        started: modules that the script runs in other processes, by their paths in the package.
    """
    scripts = [
        ROOT / "workflow_scripts" / f"{script}.py",
        *(ROOT / "pocketvlad" / module for module in started),
    ]
    return digest(package_modules(scripts, ROOT))


# A regular expression that fits nothing. (An empty one would be no constraint.)
NOTHING = "(?!)"


def one_of(names):
    """A regular expression for these names and no others."""
    return "|".join(map(re.escape, names)) or NOTHING


def test_city(training_city):
    """The role of the city that a model trained on `training_city` is tested on."""
    return next(city for city in CITIES if city != training_city)


def dataset_of(city):
    """The declaration of the data set that plays a role."""
    return config["datasets"][config["cities"][city]]


def seed_of(*parts):
    """A seed of its own for each job: the study's seed and what tells the job from others."""
    return f"{config['seed']}/{'/'.join(parts)}"


def archive_names(city, kind):
    """The sources that a city's archives of one kind (images, ground_truth) are."""
    return [name for name in source_names(dataset_of(city), kind) if not is_table(name)]


def archive_paths(city, kind):
    """Where the archives of one kind of a city lie or will lie."""
    if "render" in dataset_of(city):
        file = {"images": "images.tar", "ground_truth": "ground_truth.tgz"}[kind]
        return [result(f"data/{city}/archives/{file}")]
    return list(declared_files(archive_names(city, kind)))


def table_names(city):
    """The source that a city's ground truth is, if it is one file, as a list that may be empty."""
    return [
        name
        for name in source_names(dataset_of(city), "ground_truth")
        if is_table(name)
    ]


def ground_truth(city):
    """The folder or file with a city's queries."""
    declared = dataset_of(city).get("ground_truth")
    if isinstance(declared, str):
        return str(local_file(declared, DATA_FOLDER))
    tables = declared_files(table_names(city))
    return next(iter(tables), result(f"data/{city}/ground_truth"))


def own_folder(city):
    """The folder of a city's own images."""
    return local_file(dataset_of(city)["folder"], DATA_FOLDER)


def state_of_lists(city):
    """What changes when a folder of official lists of one's own does; None for all else."""
    folder = Path(ground_truth(city))
    if isinstance(dataset_of(city).get("ground_truth"), str) and folder.is_dir():
        return state(sorted(folder.glob("*.txt")), folder)


def declared_files(names):
    """What is known of sources, by the path of each; not their urls, which are no job's business
    once the file is there."""
    return {
        str(source_path(source, DATA_FOLDER)): {
            "name": source.name,
            "checksum": source.checksum,
            "size": source.size,
        }
        for source in (SOURCES[name] for name in names)
    }


def weights_source(model):
    """The source that a model's weights file is, as a list that may be empty."""
    file = config["models"][model]["weights"].get("file")
    return [file] if file in SOURCES else []


def weights_file(model):
    """The file that a model's convolutions start from, as a list that may be empty."""
    declared = config["models"][model]
    weights = declared["weights"]
    if weights["source"] == "buildings":
        return [
            os.path.relpath(embedded_weights(declared["backbone"], declared["width"]))
        ]
    if source := weights_source(model):
        return list(declared_files(source))
    return [str(local_file(weights["file"], DATA_FOLDER))] if "file" in weights else []


def model_file(wildcards):
    """The file behind a version: float32 before compression."""
    suffix = "safetensors" if wildcards.version in STATES else "pvlad"
    return result(f"models/{{model}}/{{city}}/{wildcards.version}.{suffix}")


def recipe_made(wildcards, codebook):
    """What a compressed file's header says of the pruned and quantized model in it."""
    version = "{threshold}/l1-{l1}/{quantizer}-{bits}".format(**wildcards)
    return columns_of(f"{version}-{codebook}")


def timings(stage, **columns):
    """The timings of the jobs of a rule that made the recipes with these values, each once."""
    made = (recipe.columns() for recipe in RECIPES)
    wanted = (each for each in made if columns.items() <= each.items())
    paths = (path for each in wanted for path in filled(stage.benchmark, **each))
    return list(dict.fromkeys(paths))


# What the report calls a figure; report/<figure>.rst is its caption.
FIGURE_LABELS = {
    "size": "mAP against size",
    "pruning": "mAP against % pruned",
    "weights": "weights by stage",
    "bytes": "bytes by layer",
    "run_time": "run time and memory",
    "retrieval": "queries and their answers",
}


def drawing(name, figure, of):
    """A figure of the report: as SVG, which is shown there with its caption, and as PNG."""
    shown = report(
        result(f"plots/{name}.svg"),
        caption=f"../report/{figure}.rst",
        category="Figures",
        labels={"figure": FIGURE_LABELS[figure], "of": of},
    )
    return [shown, result(f"plots/{name}.png")]
