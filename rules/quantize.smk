# One job a compressed model, by the rule of its kind of recipe.


rule quantize_model:
    input:
        model=model_path("{threshold}/l1-{l1}/pruned.safetensors"),
    output:
        model_path("{threshold}/l1-{l1}/{quantizer}-{bits}-fixed.pvlad"),
    log:
        log_file(
            "quantize_model/{model}-{city}-seed-{seed}-{threshold}-{l1}-{quantizer}-{bits}"
        ),
        timing(
            "quantize_model/{model}-{city}-seed-{seed}-{threshold}-{l1}-{quantizer}-{bits}"
        ),
    priority: 1
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        **requests("quantize_model"),
    params:
        library=library("quantize_model"),
        recipe=lambda wildcards: recipe_made(wildcards, "fixed"),
        small=config["quantization"]["small_tensors"],
    script:
        "../workflow_scripts/quantize_model.py"


rule train_codebook:
    input:
        model=model_path("{threshold}/l1-{l1}/pruned.safetensors"),
        teacher=model_path("base.safetensors"),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        model_path("{threshold}/l1-{l1}/{quantizer}-{bits}-trained.pvlad"),
    log:
        log_file(
            "train_codebook/{model}-{city}-seed-{seed}-{threshold}-{l1}-{quantizer}-{bits}"
        ),
        timing(
            "train_codebook/{model}-{city}-seed-{seed}-{threshold}-{l1}-{quantizer}-{bits}"
        ),
    priority: 1
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("train_codebook"),
        gpu=GPUS,
    params:
        library=library("train_codebook"),
        recipe=lambda wildcards: recipe_made(wildcards, "trained"),
        compute=COMPUTE,
        checkpoint=result(
            "checkpoints/{model}-{city}-seed-{seed}-{threshold}-{l1}-{quantizer}-{bits}.pt"
        ),
        quantization=config["quantization"],
        recovery=config["recovery"],
        training=training,
        validation=config["validation"],
        protocol=config["protocol"],
        seed=lambda wildcards: seed_of(
            wildcards.seed,
            wildcards.model,
            wildcards.city,
            wildcards.threshold,
            "codebook",
        ),
        split_seed=split_seed,
    script:
        "../workflow_scripts/train_codebook.py"


rule round_model:
    input:
        model=model_path("base.safetensors"),
        settings=rules.choose_settings.output.settings if CHOOSES else [],
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        model_path("rd/{distortion}.pvlad"),
    log:
        log_file("round_model/{model}-{city}-seed-{seed}-{distortion}"),
        timing("round_model/{model}-{city}-seed-{seed}-{distortion}"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("round_model"),
        gpu=GPUS,
    params:
        library=library("round_model"),
        compute=COMPUTE,
        checkpoint=result("checkpoints/rd-{model}-{city}-seed-{seed}-{distortion}.pt"),
        rounding=ROUNDING,
        small=config["quantization"]["small_tensors"],
        recovery=ROUNDING_CROPS,
        training=training,
        validation=config["validation"],
        protocol=config["protocol"],
        # The same for every distortion, so that nothing else tells their results apart.
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, "rd"
        ),
        split_seed=split_seed,
    script:
        "../workflow_scripts/round_model.py"


rule quantize:
    input:
        of_cells(model_path("{version}.pvlad")),
