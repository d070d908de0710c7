# Other coders beside ours, on the same models and photographs: `snakemake rivals`, never unasked.


try:
    RIVALS = {rival.name: rival for rival in declared_rivals(config)}
except ValueError as error:
    raise WorkflowError(str(error)) from None

OF_CELLS = [name for name, rival in RIVALS.items() if rival.of_cell]
# Those that lose something, and so are scored.
SCORED = [name for name, rival in RIVALS.items() if not rival.of_cell]


rule compress_rival:
    input:
        model=lambda wildcards: (
            f"results/{{study}}/models/{{model}}/{{city}}/{RIVALS[wildcards.version].source}"
            + (".pvlad" if RIVALS[wildcards.version].of_cell else ".safetensors")
        ),
    output:
        file="results/{study}/rivals/{model}/{city}/{version}.bin",
        measured="results/{study}/rivals/{model}/{city}/{version}.json",
        decoded=temp("results/{study}/rivals/{model}/{city}/{version}.safetensors"),
    log:
        "logs/{study}/compress_rival/{model}-{city}-{version}.log",
    benchmark:
        "benchmarks/{study}/compress_rival/{model}-{city}-{version}.tsv"
    wildcard_constraints:
        version=one_of(SCORED),
    conda:
        "../envs/environment.yaml"
    threads: 1
    params:
        library=lambda wildcards: library(
            "compress_rival",
            "baselines/rivals/__main__.py",
            f"baselines/rivals/{RIVALS[wildcards.version].coder}.py",
        ),
        rival=lambda wildcards: asdict(RIVALS[wildcards.version]),
        test_city=lambda wildcards: test_city(wildcards.city),
    script:
        "../workflow_scripts/compress_rival.py"


# A cell's symbols come back as they were: there is nothing to score.
use rule compress_rival as compress_symbols with:
    output:
        file="results/{study}/rivals/{model}/{city}/{version}.bin",
        measured="results/{study}/rivals/{model}/{city}/{version}.json",
    log:
        "logs/{study}/compress_symbols/{model}-{city}-{version}.log",
    benchmark:
        "benchmarks/{study}/compress_symbols/{model}-{city}-{version}.tsv"
    wildcard_constraints:
        version=one_of(OF_CELLS),


# What a rival's file decodes to is scored as every other model is.
use rule evaluate_model as evaluate_rival with:
    input:
        model="results/{study}/rivals/{model}/{city}/{version}.safetensors",
        training_dataset="results/{study}/data/{city}/dataset.json",
        dataset=lambda wildcards: (
            f"results/{{study}}/data/{test_city(wildcards.city)}/dataset.json"
        ),
        images=lambda wildcards: f"results/{{study}}/data/{test_city(wildcards.city)}/images",
    output:
        "results/{study}/rivals/{model}/{city}/{version}.scores.json",
    log:
        "logs/{study}/evaluate_rival/{model}-{city}-{version}.log",
    benchmark:
        "benchmarks/{study}/evaluate_rival/{model}-{city}-{version}.tsv"
    wildcard_constraints:
        version=one_of(SCORED),


rule tabulate_rivals:
    input:
        measured=expand(
            "results/{{study}}/rivals/{model}/{city}/{version}.json",
            model=MODELS,
            city=CITIES,
            version=RIVALS,
        ),
        scores=expand(
            "results/{{study}}/rivals/{model}/{city}/{version}.scores.json",
            model=MODELS,
            city=CITIES,
            version=SCORED,
        )
        + expand(
            "results/{{study}}/scores/{model}/{city}/{version}.json",
            model=MODELS,
            city=CITIES,
            version=dict.fromkeys(RIVALS[name].source for name in OF_CELLS),
        ),
        base=rules.evaluate.input.base,
        table="results/{study}/table.csv",
        paper=rules.tabulate_results.input.paper,
    output:
        table="results/{study}/rivals.csv",
        markdown="results/{study}/rivals.md",
        svg="results/{study}/rivals.svg",
        png="results/{study}/rivals.png",
    log:
        "logs/{study}/tabulate_rivals.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("tabulate_rivals"),
        cities=CITIES,
    script:
        "../workflow_scripts/tabulate_rivals.py"


localrules:
    rivals,


rule rivals:
    input:
        expand(
            "results/{study}/rivals.{suffix}",
            study=STUDY,
            suffix=["csv", "md", "svg", "png"],
        ),
