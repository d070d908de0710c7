# One job a model, direction, threshold and strength of the L1 penalty.


rule prune_model:
    input:
        model="results/{study}/models/{model}/{city}/base.safetensors",
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
    output:
        model="results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/pruned.safetensors",
        history="results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/pruned.csv",
        weights="results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/weights.csv",
    log:
        "logs/{study}/prune_model/{model}-{city}-{threshold}-{l1}.log",
    benchmark:
        "benchmarks/{study}/prune_model/{model}-{city}-{threshold}-{l1}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("prune_model"),
        compute=COMPUTE,
        checkpoint=lambda wildcards: (
            "results/{study}/checkpoints/{model}-{city}-{threshold}-{l1}.pt".format(
                **wildcards
            )
        ),
        cutoff=lambda wildcards: config["pruning"]["thresholds"][wildcards.threshold],
        # The other thresholds are no business of this job: a new one must not rerun it.
        pruning={k: v for k, v in config["pruning"].items() if k != "thresholds"},
        recovery=config["recovery"],
        training=config["training"],
        validation=config["validation"],
        protocol=config["protocol"],
        # The same for every L1 penalty, so that nothing else tells their results apart.
        seed=lambda wildcards: seed_of(
            wildcards.model, wildcards.city, wildcards.threshold
        ),
        # The landmarks held out for validation: the same for every model of a city.
        split_seed=lambda wildcards: seed_of(wildcards.city, "split"),
    script:
        "../workflow_scripts/prune_model.py"


rule prune:
    input:
        expand(
            "results/{study}/models/{model}/{city}/{pruning}/pruned.safetensors",
            study=STUDY,
            model=MODELS,
            city=CITIES,
            pruning=dict.fromkeys(cell.pruning for cell in CELLS),
        ),
