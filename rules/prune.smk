# One job a model, direction, threshold and strength of the L1 penalty.


rule prune_model:
    input:
        model=result("models/{model}/{city}/base.safetensors"),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        model=result("models/{model}/{city}/{threshold}/l1-{l1}/pruned.safetensors"),
        history=result("models/{model}/{city}/{threshold}/l1-{l1}/pruned.csv"),
        weights=result("models/{model}/{city}/{threshold}/l1-{l1}/weights.csv"),
    log:
        log_file("prune_model/{model}-{city}-{threshold}-{l1}"),
    benchmark:
        timing("prune_model/{model}-{city}-{threshold}-{l1}")
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("prune_model"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/{model}-{city}-{threshold}-{l1}.pt"),
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
        filled(
            result("models/{model}/{city}/{pruning}/pruned.safetensors"),
            pruning=PRUNINGS,
        ),
