# Models found for a target, a drop or a size, in place of a dial: `snakemake budgets`, never
# unasked, for a search rounds several models.


rule search_budgets:
    input:
        model=result("models/{model}/{city}/base.safetensors"),
        settings=rules.choose_settings.output.settings if CHOOSES else [],
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        models=expand(
            result("models/{{model}}/{{city}}/{version}.pvlad"), version=BUDGETS
        ),
        trials=result("budgets/{model}-{city}.csv"),
    log:
        log_file("search_budgets/{model}-{city}"),
    benchmark:
        timing("search_budgets/{model}-{city}")
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("search_budgets"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/budgets-{model}-{city}"),
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
        found=filled(result("scores/{model}/{city}/{version}.json"), version=BUDGETS),
        trials=filled(result("budgets/{model}-{city}.csv")),
    output:
        table=result("budgets.csv"),
        markdown=result("budgets.md"),
    log:
        log_file("tabulate_budgets"),
    conda:
        "../envs/environment.yaml"
    params:
        library=library("tabulate_budgets"),
        study=STUDY,
        cities=CITIES,
        models=MODELS,
        targets=config["rd"]["targets"],
    script:
        "../workflow_scripts/tabulate_budgets.py"


localrules:
    budgets,


rule budgets:
    input:
        rules.tabulate_budgets.output,
