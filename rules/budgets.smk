# Models found for a target, a drop or a size, in place of a dial: `snakemake budgets`, never
# unasked, for a search rounds several models, and with the first seed alone.


rule search_budgets:
    input:
        model=model_path("base.safetensors"),
        settings=rules.choose_settings.output.settings if CHOOSES else [],
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        models=[model_path(f"{version}.pvlad") for version in BUDGETS],
        trials=result("budgets/{model}-{city}-seed-{seed}.csv"),
    log:
        log_file("search_budgets/{model}-{city}-seed-{seed}"),
        timing("search_budgets/{model}-{city}-seed-{seed}"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("search_budgets"),
        gpu=GPUS,
    params:
        library=library("search_budgets"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/budgets-{model}-{city}-seed-{seed}"),
        targets=config["rd"]["targets"],
        trials=config["rd"]["trials"],
        rounding=ROUNDING,
        small=config["quantization"]["small_tensors"],
        recovery=ROUNDING_CROPS,
        training=training,
        validation=config["validation"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, "rd"
        ),
        split_seed=split_seed,
    script:
        "../workflow_scripts/search_budgets.py"


rule tabulate_budgets:
    input:
        base=filled(SCORE, version="base", seed=FIRST_SEED),
        found=filled(SCORE, version=BUDGETS, seed=FIRST_SEED),
        trials=filled(rules.search_budgets.output.trials, seed=FIRST_SEED),
    output:
        table=result("budgets.csv"),
        markdown=result("budgets.md"),
    log:
        log_file("tabulate_budgets"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
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
