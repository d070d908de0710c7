# The base models: initial weights, clustering and whitening, then fine-tuning.


rule initialise_model:
    input:
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
        weights=lambda wildcards: (
            FILES.weights(wildcards.model) if wildcards.version == "initial" else []
        ),
    output:
        result("models/{model}/{city}/{version}.safetensors"),
    log:
        log_file("initialise_model/{model}-{city}-{version}"),
    benchmark:
        timing("initialise_model/{model}-{city}-{version}")
    wildcard_constraints:
        version="initial|untrained",
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
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
            config["models"][wildcards.model]
            if wildcards.version == "initial"
            else config["models"][wildcards.model] | {"weights": {"source": "random"}}
        ),
        initialise=config["initialise"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(wildcards.model, wildcards.city, "initial"),
    script:
        "../workflow_scripts/initialise_model.py"


rule train_model:
    input:
        model=result("models/{model}/{city}/initial.safetensors"),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        model=result("models/{model}/{city}/base.safetensors"),
        history=result("models/{model}/{city}/base.csv"),
    log:
        log_file("train_model/{model}-{city}"),
    benchmark:
        timing("train_model/{model}-{city}")
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("train_model"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/{model}-{city}-base.pt"),
        training=config["training"],
        validation=config["validation"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(wildcards.model, wildcards.city, "base"),
        # The landmarks held out for validation: the same for every model of a city.
        split_seed=lambda wildcards: seed_of(wildcards.city, "split"),
    script:
        "../workflow_scripts/train_model.py"


rule train:
    input:
        filled(result("models/{model}/{city}/base.safetensors")),
