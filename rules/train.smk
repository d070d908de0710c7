# The base models: initial weights, clustering and whitening, then fine-tuning.


rule initialise_model:
    input:
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
        weights=lambda wildcards: (
            weights_file(wildcards.model) if wildcards.version == "initial" else []
        ),
    output:
        "results/{study}/models/{model}/{city}/{version}.safetensors",
    log:
        "logs/{study}/initialise_model/{model}-{city}-{version}.log",
    benchmark:
        "benchmarks/{study}/initialise_model/{model}-{city}-{version}.tsv"
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
        declared=lambda wildcards: declared_files(
            weights_source(wildcards.model) if wildcards.version == "initial" else []
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
        model="results/{study}/models/{model}/{city}/initial.safetensors",
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
    output:
        model="results/{study}/models/{model}/{city}/base.safetensors",
        history="results/{study}/models/{model}/{city}/base.csv",
    log:
        "logs/{study}/train_model/{model}-{city}.log",
    benchmark:
        "benchmarks/{study}/train_model/{model}-{city}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("train_model"),
        compute=COMPUTE,
        checkpoint=lambda wildcards: "results/{study}/checkpoints/{model}-{city}-base.pt".format(
            **wildcards
        ),
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
        expand(
            "results/{study}/models/{model}/{city}/base.safetensors",
            study=STUDY,
            model=MODELS,
            city=CITIES,
        ),
