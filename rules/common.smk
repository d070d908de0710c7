# What all stages share: the checked config, the paths of the grid, library files as inputs.
import os
import sys
from pathlib import Path

# Jobs find the package whether or not it is installed.
sys.path.insert(0, workflow.basedir)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [workflow.basedir, *filter(None, [os.environ.get("PYTHONPATH")])]
)

from pocketvlad.config import ConfigError, check_config, data_folder, local_file
from pocketvlad.imports import package_modules
from pocketvlad.summary import summary_text

try:
    check_config(config, Path(workflow.basedir) / "config" / "schema.yaml")
except ConfigError as error:
    raise WorkflowError(str(error)) from None

STUDY = config["study"]
DATA_FOLDER = data_folder(config)
CITIES = list(config["cities"])
MODELS = list(config["models"])
THRESHOLDS = list(config["pruning"]["thresholds"])
QUANTIZERS = config["quantization"]["quantizers"]
BITS = config["quantization"]["bits"]


wildcard_constraints:
    study=STUDY,
    city="|".join(CITIES),
    model="|".join(MODELS),
    threshold=r"0\.\d*[1-9]",
    quantizer="[a-z]+",
    bits=r"\d",
    version=r"untrained|initial|base|0\.\d*[1-9]/(?:pruned|[a-z]+-\d)",


# A network that starts from the data or from a file is compared with a random one, too, where
# that costs little: with patches, which only small studies use.
UNTRAINED = [
    name for name in MODELS if config["models"][name]["weights"]["source"] == "patches"
]


def library(script):
    """The package's modules that a rule's script imports: editing one reruns the rule's jobs."""
    root = Path(workflow.basedir)
    modules = package_modules(root / "workflow_scripts" / f"{script}.py", root)
    return [os.path.relpath(module) for module in modules]


def test_city(training_city):
    """The role of the city that a model trained on `training_city` is tested on."""
    return next(city for city in CITIES if city != training_city)


def dataset_of(city):
    """The declaration of the data set that plays a role."""
    return config["datasets"][config["cities"][city]]


def seed_of(*parts):
    """A seed of its own for each job: the study's seed and what tells the job from others."""
    return f"{config['seed']}/{'/'.join(parts)}"
