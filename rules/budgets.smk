# Models found for a target, a drop or a size, in place of a dial: `snakemake budgets`, never
# unasked, for a search rounds several models.


rule search_budgets:
    input:
        model="results/{study}/models/{model}/{city}/base.safetensors",
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
    output:
        models=expand(
            "results/{{study}}/models/{{model}}/{{city}}/{cell}.pvlad",
            cell=[cell.version for cell in BUDGETS],
        ),
        trials="results/{study}/budgets/{model}-{city}.csv",
    log:
        "logs/{study}/search_budgets/{model}-{city}.log",
    benchmark:
        "benchmarks/{study}/search_budgets/{model}-{city}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("search_budgets"),
        compute=COMPUTE,
        checkpoint="results/{study}/checkpoints/budgets-{model}-{city}",
        targets=config["rd"]["targets"],
        trials=config["rd"]["trials"],
        rounding=ROUNDING,
        small=config["quantization"]["small_tensors"],
        recovery=config["recovery"],
        training=config["training"],
        validation=config["validation"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(wildcards.model, wildcards.city, "rd"),
        split_seed=lambda wildcards: seed_of(wildcards.city, "split"),
    script:
        "../workflow_scripts/search_budgets.py"


rule tabulate_budgets:
    input:
        base=rules.evaluate.input.base,
        cells=expand(
            "results/{{study}}/scores/{model}/{city}/{cell}.json",
            model=MODELS,
            city=CITIES,
            cell=[cell.version for cell in BUDGETS],
        ),
        trials=expand(
            "results/{{study}}/budgets/{model}-{city}.csv", model=MODELS, city=CITIES
        ),
    output:
        table="results/{study}/budgets.csv",
        markdown="results/{study}/budgets.md",
    log:
        "logs/{study}/tabulate_budgets.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("tabulate_budgets"),
        cities=CITIES,
        models=MODELS,
        targets=config["rd"]["targets"],
    script:
        "../workflow_scripts/tabulate_budgets.py"


localrules:
    budgets,


rule budgets:
    input:
        expand("results/{study}/budgets.{suffix}", study=STUDY, suffix=["csv", "md"]),
