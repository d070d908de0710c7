# Other coders beside ours, on the same models and photographs: `snakemake rivals`, never unasked,
# and on the models of the first seed alone.


try:
    RIVALS = {rival.name: rival for rival in declared_rivals(config)}
except ValueError as error:
    raise WorkflowError(str(error)) from None

OF_CELLS = [name for name, rival in RIVALS.items() if rival.of_cell]
# Those that lose something, and so are scored.
SCORED = [name for name, rival in RIVALS.items() if not rival.of_cell]
# What those that are fitted run in addition.
FITTING = {True: ["baselines/rivals/fitting.py"], False: []}


def calibration_of(wildcards):
    """How `rd` would round the model, but for the distortion: the same crops."""
    return {
        "training": training(wildcards),
        **{name: config[name] for name in ("validation", "protocol")},
        "recovery": ROUNDING_CROPS,
        "compute": COMPUTE,
        "rounding": ROUNDING,
        "small": config["quantization"]["small_tensors"],
        "seed": seed_of(wildcards.seed, wildcards.model, wildcards.city, "rd"),
        "split_seed": split_seed(wildcards),
    }


def rival_path(path):
    """A file of the rivals that were given one training's models."""
    return result(f"rivals/{{model}}/{{city}}/seed-{{seed}}/{path}")


def given_to(model):
    """The rivals that there are of a model: those of what the study makes of it."""
    made = {"base", *versions_of(model)}
    made |= {f"{pruning}/pruned" for pruning in prunings_of(model)}
    return [rival for rival in RIVALS.values() if rival.source in made]


def of_rivals(path, of_cell=None):
    """A path filled in for every model's rivals; for those that code cells, or the others, alone."""
    return [
        each
        for model in MODELS
        for rival in given_to(model)
        if of_cell in (None, rival.of_cell)
        for each in filled(path, model=model, version=rival.name, seed=FIRST_SEED)
    ]


def of_sources(path):
    """A path filled in for the cells that rivals code."""
    return [
        each
        for model in MODELS
        for cell in dict.fromkeys(
            rival.source for rival in given_to(model) if rival.of_cell
        )
        for each in filled(path, model=model, version=cell, seed=FIRST_SEED)
    ]


rule compress_rival:
    input:
        model=lambda wildcards: (
            model_path(RIVALS[wildcards.version].source)
            + (".pvlad" if RIVALS[wildcards.version].of_cell else ".safetensors")
        ),
        # Those that are fitted have photographs of the training city.
        dataset=lambda wildcards: (
            result("data/{city}/dataset.json")
            if RIVALS[wildcards.version].fitted
            else []
        ),
        images=lambda wildcards: (
            result("data/{city}/images") if RIVALS[wildcards.version].fitted else []
        ),
        settings=lambda wildcards: (
            rules.choose_settings.output.settings
            if CHOOSES and RIVALS[wildcards.version].fitted
            else []
        ),
    output:
        file=rival_path("{version}.bin"),
        measured=rival_path("{version}.json"),
        decoded=temp(rival_path("{version}.safetensors")),
    log:
        log_file("compress_rival/{model}-{city}-seed-{seed}-{version}"),
        timing("compress_rival/{model}-{city}-seed-{seed}-{version}"),
    wildcard_constraints:
        version=one_of(SCORED),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        **requests("compress_rival"),
        gpu=lambda wildcards: GPUS if RIVALS[wildcards.version].fitted else 0,
    params:
        library=lambda wildcards: library(
            "compress_rival",
            "baselines/rivals/__main__.py",
            f"baselines/rivals/coders/{RIVALS[wildcards.version].coder}.py",
            *FITTING[RIVALS[wildcards.version].fitted],
        )(wildcards),
        rival=lambda wildcards: asdict(RIVALS[wildcards.version]),
        calibration=lambda wildcards: (
            calibration_of(wildcards) if RIVALS[wildcards.version].fitted else None
        ),
        test_city=lambda wildcards: test_city(wildcards.city),
    script:
        "../workflow_scripts/compress_rival.py"


# A cell's symbols come back as they were: there is nothing to score.
use rule compress_rival as compress_symbols with:
    output:
        file=rival_path("{version}.bin"),
        measured=rival_path("{version}.json"),
    log:
        log_file("compress_symbols/{model}-{city}-seed-{seed}-{version}"),
        timing("compress_symbols/{model}-{city}-seed-{seed}-{version}"),
    wildcard_constraints:
        version=one_of(OF_CELLS),


# What a rival's file decodes to is scored as every other model is.
use rule evaluate_model as evaluate_rival with:
    input:
        model=rival_path("{version}.safetensors"),
        training_dataset=result("data/{city}/dataset.json"),
        dataset=lambda wildcards: (
            result(f"data/{test_city(wildcards.city)}/dataset.json")
        ),
        images=lambda wildcards: result(f"data/{test_city(wildcards.city)}/images"),
        backend=BACKEND_CHOICE,
    output:
        rival_path("{version}.scores.json"),
    log:
        log_file("evaluate_rival/{model}-{city}-seed-{seed}-{version}"),
        timing("evaluate_rival/{model}-{city}-seed-{seed}-{version}"),
    wildcard_constraints:
        version=one_of(SCORED),


use rule evaluate_test_set as evaluate_rival_test_set with:
    input:
        model=rival_path("{version}.safetensors"),
        training_dataset=result("data/{city}/dataset.json"),
        dataset=result("data/{test_set}/dataset.json"),
        images=result("data/{test_set}/images"),
        backend=BACKEND_CHOICE,
    output:
        rival_path("test_scores/{test_set}/{version}.json"),
    log:
        log_file(
            "evaluate_rival_test_set/{test_set}-{model}-{city}-seed-{seed}-{version}"
        ),
        timing(
            "evaluate_rival_test_set/{test_set}-{model}-{city}-seed-{seed}-{version}"
        ),
    wildcard_constraints:
        version=one_of(SCORED),


rule tabulate_rivals:
    input:
        measured=of_rivals(rival_path("{version}.json")),
        scores=of_rivals(rival_path("{version}.scores.json"), of_cell=False)
        + of_sources(SCORE),
        base=filled(SCORE, version="base", seed=FIRST_SEED),
        test_sets=on_test_sets(
            rules.evaluate_rival_test_set.output[0], of_rivals, of_cell=False
        )
        + on_test_sets(TEST_SCORE, filled, version="base", seed=FIRST_SEED)
        + on_test_sets(TEST_SCORE, of_sources),
        by_seed=result("table_seeds.csv"),
        paper=rules.tabulate_results.input.paper,
    output:
        table=result("rivals.csv"),
        markdown=result("rivals.md"),
        svg=result("rivals.svg"),
        png=result("rivals.png"),
    log:
        log_file("tabulate_rivals"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("tabulate_rivals"),
        study=STUDY,
        # In the order of `measured`, which Snakemake does not see.
        rivals=list(RIVALS),
        cities=CITIES,
        test_sets=TEST_SETS,
        seed=FIRST_SEED,
    script:
        "../workflow_scripts/tabulate_rivals.py"


localrules:
    rivals,


rule rivals:
    input:
        rules.tabulate_rivals.output,
