# One job a model, direction and threshold.


rule prune_model:
    input:
        model="results/{study}/models/{model}/{city}/base.safetensors",
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
        library=library("prune_model"),
    output:
        model="results/{study}/models/{model}/{city}/{threshold}/pruned.safetensors",
        history="results/{study}/models/{model}/{city}/{threshold}/pruned.csv",
    log:
        "logs/{study}/prune_model/{model}-{city}-{threshold}.log",
    benchmark:
        "benchmarks/{study}/prune_model/{model}-{city}-{threshold}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: config["threads"]
    params:
        checkpoint=lambda wildcards: (
            "results/{study}/checkpoints/{model}-{city}-{threshold}.pt".format(
                **wildcards
            )
        ),
        cutoff=lambda wildcards: config["pruning"]["thresholds"][wildcards.threshold],
        # The other thresholds are no business of this job: a new one must not rerun it.
        pruning={k: v for k, v in config["pruning"].items() if k != "thresholds"},
        training=config["training"],
        validation=config["validation"],
        protocol=config["protocol"],
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
            "results/{study}/models/{model}/{city}/{threshold}/pruned.safetensors",
            study=STUDY,
            model=MODELS,
            city=CITIES,
            threshold=THRESHOLDS,
        ),
