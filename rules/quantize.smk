# One job a cell: a pruned model, a quantizer and a bit width; and one more if the codebook learns.


rule quantize_model:
    input:
        model="results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/pruned.safetensors",
    output:
        "results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/{quantizer}-{bits}-fixed.pvlad",
    log:
        "logs/{study}/quantize_model/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}.log",
    benchmark:
        "benchmarks/{study}/quantize_model/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}.tsv"
    priority: 1
    conda:
        "../envs/environment.yaml"
    threads: 1
    params:
        library=library("quantize_model"),
        small=config["quantization"]["small_tensors"],
    script:
        "../workflow_scripts/quantize_model.py"


rule train_codebook:
    input:
        model="results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/pruned.safetensors",
        teacher="results/{study}/models/{model}/{city}/base.safetensors",
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
    output:
        "results/{study}/models/{model}/{city}/{threshold}/l1-{l1}/{quantizer}-{bits}-trained.pvlad",
    log:
        "logs/{study}/train_codebook/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}.log",
    benchmark:
        "benchmarks/{study}/train_codebook/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}.tsv"
    priority: 1
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("train_codebook"),
        compute=COMPUTE,
        checkpoint=lambda wildcards: "results/{study}/checkpoints/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}.pt".format(
            **wildcards
        ),
        quantization=config["quantization"],
        recovery=config["recovery"],
        training=config["training"],
        validation=config["validation"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(
            wildcards.model, wildcards.city, wildcards.threshold, "codebook"
        ),
        split_seed=lambda wildcards: seed_of(wildcards.city, "split"),
    script:
        "../workflow_scripts/train_codebook.py"


rule round_model:
    input:
        model="results/{study}/models/{model}/{city}/base.safetensors",
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
    output:
        "results/{study}/models/{model}/{city}/{distortion}/l1-0/rd-8-fixed.pvlad",
    log:
        "logs/{study}/round_model/{model}-{city}-{distortion}.log",
    benchmark:
        "benchmarks/{study}/round_model/{model}-{city}-{distortion}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("round_model"),
        compute=COMPUTE,
        rounding=ROUNDING,
        small=config["quantization"]["small_tensors"],
        recovery=config["recovery"],
        training=config["training"],
        validation=config["validation"],
        protocol=config["protocol"],
        # The same for every distortion, so that nothing else tells their results apart.
        seed=lambda wildcards: seed_of(wildcards.model, wildcards.city, "rd"),
        split_seed=lambda wildcards: seed_of(wildcards.city, "split"),
    script:
        "../workflow_scripts/round_model.py"


rule quantize:
    input:
        expand(
            "results/{study}/models/{model}/{city}/{version}.pvlad",
            study=STUDY,
            model=MODELS,
            city=CITIES,
            version=[cell.version for cell in CELLS + ROUNDED],
        ),
