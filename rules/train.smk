# The base models: initial weights, clustering and whitening, then fine-tuning.
from pocketvlad.training.declared import LOSSES

LOSS = LOSSES.of(config["training"]["loss"])


rule initialise_model:
    input:
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
        weights=lambda wildcards: (
            FILES.weights(wildcards.model) if wildcards.version == "initial" else []
        ),
    output:
        model_path("{version}.safetensors"),
    log:
        log_file("initialise_model/{model}-{city}-seed-{seed}-{version}"),
        timing("initialise_model/{model}-{city}-seed-{seed}-{version}"),
    wildcard_constraints:
        version="initial|untrained",
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("initialise_model"),
        gpu=GPUS,
    params:
        library=library("initialise_model"),
        compute=COMPUTE,
        declared=lambda wildcards: FILES.declared(
            FILES.weights_source(wildcards.model)
            if wildcards.version == "initial"
            else []
        ),
        model=lambda wildcards: (
            network_of(config, wildcards.model)
            if wildcards.version == "initial"
            else network_of(config, wildcards.model)
            | {"weights": {"source": "random"}}
        ),
        initialise=config["initialise"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, "initial"
        ),
    script:
        "../workflow_scripts/initialise_model.py"


rule train_model:
    input:
        model=model_path("initial.safetensors"),
        # Other networks that the loss asks for descriptions.
        asked=lambda wildcards: expand(
            model_path("initial.safetensors"),
            model=[name for name in LOSS.asks if name != wildcards.model],
            city=wildcards.city,
            seed=wildcards.seed,
        ),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        model=model_path("base.safetensors"),
        history=model_path("base.csv"),
    log:
        log_file("train_model/{model}-{city}-seed-{seed}"),
        timing("train_model/{model}-{city}-seed-{seed}"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("train_model"),
        gpu=GPUS,
    params:
        library=library("train_model"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/{model}-{city}-seed-{seed}-base.pt"),
        training=training,
        validation=config["validation"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, "base"
        ),
        split_seed=split_seed,
    script:
        "../workflow_scripts/train_model.py"


rule train:
    input:
        filled(model_path("base.safetensors")),
