# One job a model, direction, seed, threshold and strength of the L1 penalty.


rule prune_model:
    input:
        model=model_path("base.safetensors"),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        model=model_path("{threshold}/l1-{l1}/pruned.safetensors"),
        history=model_path("{threshold}/l1-{l1}/pruned.csv"),
        weights=model_path("{threshold}/l1-{l1}/weights.csv"),
    log:
        log_file("prune_model/{model}-{city}-seed-{seed}-{threshold}-{l1}"),
        timing("prune_model/{model}-{city}-seed-{seed}-{threshold}-{l1}"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("prune_model"),
        gpu=GPUS,
    params:
        library=library("prune_model"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/{model}-{city}-seed-{seed}-{threshold}-{l1}.pt"),
        cutoff=lambda wildcards: config["pruning"]["thresholds"][wildcards.threshold],
        # The other thresholds are no business of this job: a new one must not rerun it.
        pruning={k: v for k, v in config["pruning"].items() if k != "thresholds"},
        recovery=config["recovery"],
        training=training,
        validation=config["validation"],
        protocol=config["protocol"],
        # The same for every L1 penalty, so that nothing else tells their results apart.
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, wildcards.threshold
        ),
        split_seed=split_seed,
    script:
        "../workflow_scripts/prune_model.py"


rule prune:
    input:
        [
            filled(
                model_path("{pruning}/pruned.safetensors"),
                model=model,
                pruning=pruning,
                seed=seeds,
            )
            for model in MODELS
            for pruning, seeds in prunings_of(model).items()
        ],
