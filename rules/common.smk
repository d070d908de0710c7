# What all stages share: the checked config, the paths of the grid, the state of the library.
import os
import re
import sys
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path

# The repository, whichever Snakefile includes this file.
ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
sys.path.insert(0, str(ROOT))

from pocketvlad.study.config import (
    check_config,
    leave_out_empty,
    network_of,
    training_of,
    with_defaults,
)
from pocketvlad.study.faults import ConfigError
from pocketvlad.study.local_data import require_local_data, unfit_path, used_settings
from pocketvlad.compression.recipes import (
    KINDS,
    STATES,
    columns_of,
    paper_bits,
    study_recipes,
)
from pocketvlad.compression.recipes.searched import Searched
from pocketvlad.compression.rd.settings import CHOOSE, CROP_KEYS, RoundingSettings
from pocketvlad.data.image_files import find_images, state
from pocketvlad.networks.settings import MEASURED
from pocketvlad.util.code_digest import digest, keep_facts_in
from pocketvlad.training.complete_outputs import forget_outputs
from pocketvlad.util.dates import redate
from pocketvlad.util.refusals import unwritable
from pocketvlad.packing.page_files import page_state
from pocketvlad.study.code import job_modules
from pocketvlad.study.files import StudyFiles
from pocketvlad.study.job import pass_on_path
from pocketvlad.study.map_codes import map_codes, map_versions
from pocketvlad.study.parameters import spare_pandas
from pocketvlad.study.remade import mark_outdated, note_end, note_plan, planned
from pocketvlad.study.requests import NEEDS, Job, usual_seconds
from pocketvlad.study.roles import data_sets, declared_test_sets
from pocketvlad.study.run_lock import alone, begin_run, run_begun
from pocketvlad.study.scheduler import (
    end_when_asked,
    explain_refusals,
    start_all_at_once,
)
from pocketvlad.study.template import start_template
from pocketvlad.study.terminal import make_quiet
from pocketvlad.study.time_left import PlannedJob
from pocketvlad.baselines.rivals.declared import declared_rivals

spare_pandas()
TERMINAL = make_quiet(workflow.output_settings, logger, shown=["tabulate_preview"])

# Not in what starts Snakemake again for a job of its own, on another machine.
if workflow.is_main_process:
    # A dry run changes nothing, and may wait for a pager as long as its reader likes.
    if not workflow.output_settings.dryrun:
        begin_run()
    mark_outdated()
    # Here, too: of what it would make again Snakemake only says that it is write-protected.
    if Path("results").exists() and not workflow.output_settings.dryrun:
        if fault := unwritable(Path("results")):
            print(fault, file=sys.stderr)

# Jobs find the package whether or not it is installed.
pass_on_path(str(ROOT))

# Reading the sources for their digests takes a second of each start.
keep_facts_in(Path(".snakemake") / "code.json")

if braces := unfit_path(ROOT):
    raise WorkflowError(braces)

try:
    leave_out_empty(config)
    check_config(config)
    require_local_data(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# From here on every setting is there, whether the study gives it or not.
config.update(with_defaults(config))

STUDY = config["study"]
FILES = StudyFiles(config, f"results/{STUDY}")
# Other studies that a figure shows, too, as far as they have run. No rule of this one makes them.
OTHER_STUDIES = {
    name: f"results/{name}/table.csv"
    for name in config.get("figures", {}).get("studies", [])
    if Path(f"results/{name}/table.csv").is_file()
}
CITIES = list(config["cities"])
# What models of both cities are tested on beside these, and nothing is trained on.
TEST_SETS = list(declared_test_sets(config))
MODELS = list(config["models"])
# The trainings of each base model. What is made once is made of the first.
SEEDS = config["seeds"]
FIRST_SEED = SEEDS[0]
# By model what made its lines of the study's table, with the seeds of each.
RECIPES = {model: study_recipes(config, model) for model in MODELS}
# How models are rounded, whatever the distortion.
ROUNDING = {
    key: value
    for key, value in config.get("rd", {}).items()
    if key in (*(each.name for each in fields(RoundingSettings)), "image_size")
}
# What of `recovery` they depend on: how pruned models recover must round none again.
ROUNDING_CROPS = {key: config["recovery"][key] for key in CROP_KEYS}
# Whether each base model has settings of its own, chosen on its training city.
CHOOSES = ROUNDING.get("length") == CHOOSE
# Models that a search for a target finds, never part of the study's own table.
BUDGETS = [recipe.version for recipe in Searched.of_config(config)]
# What of `compute` a result may depend on.
COMPUTE = {key: config["compute"][key] for key in ("device", "precision")}
# The same for jobs that only describe. Where torch does, they have no parameter more than before.
BACKEND = config["compute"]["backend"]
DESCRIBE = COMPUTE if BACKEND == "torch" else {**COMPUTE, "backend": BACKEND}
# With `--resources gpu=1` as many jobs at a time as there are GPUs.
GPUS = int(config["compute"]["device"] != "cpu")


# A regular expression that fits nothing. (An empty one would be no constraint.)
NOTHING = "(?!)"


def one_of(names):
    """A regular expression for these names and no others."""
    return "|".join(map(re.escape, names)) or NOTHING


wildcard_constraints:
    **{name: each for kind in KINDS.values() for name, each in kind.patterns().items()},
    city="|".join(CITIES),
    test_set=one_of(TEST_SETS),
    model="|".join(MODELS),
    seed="|".join(map(str, SEEDS)),
    version="|".join([*STATES, *(kind.pattern() for kind in KINDS.values())]),


# The narrow backbones, whose weights are ours. They are compared with a random network, too: that
# costs little.
NARROW = [
    name
    for name in MODELS
    if config["models"][name]["weights"]["source"] == "buildings"
]
# Those that are fine-tuned. Of the others the base model is the initial one, scored once.
TRAINED = [name for name in MODELS if training_of(config, name)["epochs"]]


def result(path):
    """A file or folder of the study's results."""
    return f"{FILES.results}/{path}"


def model_path(path):
    """A file beside the models of one training: all that one seed makes of a model on a city."""
    return result(f"models/{{model}}/{{city}}/seed-{{seed}}/{path}")


# The row of a model's scores, on the other city and on a test set.
SCORE = result("scores/{model}/{city}/seed-{seed}/{version}.json")
TEST_SCORE = result("test_scores/{test_set}/{model}/{city}/seed-{seed}/{version}.json")


def log_file(job):
    """Where a job's messages go."""
    return f"logs/{STUDY}/{job}.log"


# Where the choice of each model's backend is kept, if the study is to measure it.
BACKEND_CHOICE = [result("backends/{model}.json")] if BACKEND == MEASURED else []


def timing(job):
    """Where a job writes its own time and memory, the second of its log files: Snakemake's
    `benchmark` would measure the process that waits for the job (study/template.py)."""
    return f"benchmarks/{STUDY}/{job}.tsv"


def filled(paths, **values):
    """Paths filled in for every model, city and seed, unless `values` says which, and every value."""
    return expand(paths, **({"model": MODELS, "city": CITIES, "seed": SEEDS} | values))


def of_cells(path):
    """A path filled in for every cell: its recipe, each of its seeds, every model and city."""
    return [
        each
        for model, recipes in RECIPES.items()
        for recipe, seeds in recipes.items()
        for each in filled(path, model=model, version=recipe.version, seed=seeds)
    ]


def in_order(*models):
    """The seeds of the base models, and the cells of each model with theirs: a parameter of what
    lists them or takes means over seeds. Snakemake does not see the order in the inputs.
    """
    cells = {
        model: [(recipe.version, seeds) for recipe, seeds in RECIPES[model].items()]
        for model in models
    }
    return [SEEDS, *cells.items()]


def of_all(path):
    """A path filled in for every model of the study, those before compression first."""
    return (
        filled(path, model=NARROW, version="untrained", seed=FIRST_SEED)
        + filled(path, model=TRAINED, version="initial")
        + filled(path, version="base")
        + of_cells(path)
    )


def on_test_sets(path, fill, **values):
    """A path filled in for every test set, the rest of it by `fill` with `values`."""
    named = [path.replace("{test_set}", name) for name in TEST_SETS]
    return [each for one in named for each in fill(one, **values)]


def versions_of(model):
    """The cells of a model."""
    return [recipe.version for recipe in RECIPES[model]]


def prunings_of(model):
    """The pruned models that some of its cells start from, with the seeds of each."""
    found = {}
    for recipe, seeds in RECIPES[model].items():
        if recipe.pruning:
            known = found.setdefault(recipe.pruning, [])
            known += [seed for seed in seeds if seed not in known]
    return found


def of_one(path, values):
    """A path of one model's, filled in for the first seed as an input: such files are looked into,
    not averaged.

    Args:
        values: a function that gives, for a model, every other wildcard's values.
    """
    return lambda wildcards: expand(
        path, model=wildcards.model, seed=FIRST_SEED, **values(wildcards.model)
    )


def library(script, *started):
    """A parameter of a rule: a digest of its script and of the package's modules that its jobs run.

    It makes a job run again when one of these is edited. Of a script, Snakemake itself sees the date
    alone, which may be old: that of one from an archive is. The modules are no inputs, because
    Snakemake looks at every input of every waiting job each time it starts one.

    Args:
        started: modules that the script runs in other processes, by their paths in the package.
    """
    scripts = [
        ROOT / "workflow_scripts" / f"{script}.py",
        *(ROOT / "pocketvlad" / module for module in started),
    ]

    @cache
    def of(model, role):
        return digest([scripts[0], *job_modules(scripts, config, model, ROOT, role)])

    return lambda wildcards: of(
        wildcards.get("model"), wildcards.get("test_set", wildcards.get("city"))
    )


def about(wildcards):
    """The model of a job, None if it has none, and the roles of the data sets that it reads."""
    model, city = wildcards.get("model"), wildcards.get("city")
    tested = [wildcards.test_set] if "test_set" in wildcards.keys() else []
    roles = CITIES if model or not city else [city]
    return model, (*roles, *tested)


def requests(need):
    """Resources of a rule: the memory and the time that its jobs ask a cluster for.

    They are those of its model and its photographs, and grow with every attempt. On one machine
    they limit nothing, unless `--resources mem_mb=N` says how much there is.

    Args:
        need: a key of `NEEDS`.
    """

    @cache
    def asked(model, roles, attempt):
        return NEEDS[need](Job(config, FILES, model, roles)).asked(attempt)

    def of(wildcards, attempt):
        return asked(*about(wildcards), attempt)

    return dict(
        mem_mb=lambda wildcards, attempt: of(wildcards, attempt)[0],
        runtime=lambda wildcards, attempt: of(wildcards, attempt)[1],
    )


def planned_jobs(jobs):
    """What the terminal is told of jobs of Snakemake's that are to run, with guesses at how long
    they take."""

    @cache
    def usual(name, model, roles):
        return usual_seconds(name, Job(config, FILES, model, roles))

    for job in jobs:
        name, (model, roles) = job.rule.name, about(job.wildcards)
        seconds = usual(name, model, roles) if job.rule.script else 0
        yield PlannedJob((name, model or ""), seconds, job.threads)


def test_city(training_city):
    """The role of the city that a model trained on `training_city` is tested on."""
    return next(city for city in CITIES if city != training_city)


def seed_of(seed, *parts):
    """A seed of its own for each job: that of its training, and what tells the job from others."""
    return "/".join([str(seed), *parts])


def training(wildcards):
    """How the model of a job is trained."""
    return training_of(config, wildcards.model)


def split_seed(wildcards):
    """The seed of the landmarks held out for validation: the same for every model of a city."""
    return seed_of(wildcards.seed, wildcards.city, "split")


def model_file(wildcards):
    """The file behind a version: float32 before compression."""
    suffix = "safetensors" if wildcards.version in STATES else "pvlad"
    return model_path(f"{wildcards.version}.{suffix}")


def recipe_made(wildcards, codebook):
    """What a compressed file's header says of the pruned and quantized model in it."""
    version = "{threshold}/l1-{l1}/{quantizer}-{bits}".format(**wildcards)
    return columns_of(f"{version}-{codebook}")


def timings(stage, **columns):
    """The timings of the jobs of a rule that made the recipes with these values, each once."""
    paths = (
        path
        for model, recipes in RECIPES.items()
        for recipe, seeds in recipes.items()
        if columns.items() <= recipe.columns().items()
        for path in filled(stage.log[1], model=model, seed=seeds, **recipe.columns())
    )
    return list(dict.fromkeys(paths))


def drawing(name, figure, label, of):
    """A figure of the report: as SVG, which is shown there with its caption, and as PNG.

    Args:
        figure: report/<figure>.rst is its caption.
        label: what the report calls it.
        of: what it shows, for the report.
    """
    shown = report(
        result(f"plots/{name}.svg"),
        caption=f"../report/{figure}.rst",
        category="Figures",
        labels={"figure": label, "of": of},
    )
    return [shown, result(f"plots/{name}.png")]


# The models that have a map, with the versions of each whose descriptors are coded.
MAPPED = {model: map_versions(config, model) for model in MODELS}
MAPPED = {model: versions for model, versions in MAPPED.items() if versions}


def of_versions(path):
    """A path of the models of one training whose descriptors are coded."""
    return lambda wildcards: [
        (path(version) if callable(path) else path).format(
            **(dict(wildcards) | {"version": version})
        )
        for version in MAPPED[wildcards.model]
    ]


def of_mapped(path):
    """A path filled in for every model of the first seed whose descriptors are coded."""
    return [
        each
        for model, versions in MAPPED.items()
        for each in filled(path, model=model, version=versions, seed=FIRST_SEED)
    ]


def timed_versions(model):
    """The base model, and of each kind of recipe the first cell: one kind is decoded in one way."""
    first = {}
    for recipe, seeds in RECIPES[model].items():
        if FIRST_SEED in seeds:
            first.setdefault(type(recipe), recipe.version)
    return ["base", *first.values()]


# What `snakemake city` packs, and the models to choose from.
PACKED_CITY = CITIES[0]
PACKED = [name for name in MODELS if config["models"][name].get("packed")] or MODELS
# By model and cell the file of the first training, on the other city.
PACKABLE = {
    f"{model} {recipe.version}": filled(
        model_path("{version}.pvlad"),
        model=model,
        city=test_city(PACKED_CITY),
        seed=FIRST_SEED,
        version=recipe.version,
    )[0]
    for model in PACKED
    for recipe, seeds in RECIPES[model].items()
    if FIRST_SEED in seeds
}
