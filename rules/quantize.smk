# One job a compressed model, by the rule of its kind of recipe.


rule quantize_model:
    input:
        model=result("models/{model}/{city}/{threshold}/l1-{l1}/pruned.safetensors"),
    output:
        result(
            "models/{model}/{city}/{threshold}/l1-{l1}/{quantizer}-{bits}-fixed.pvlad"
        ),
    log:
        log_file("quantize_model/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}"),
    benchmark:
        timing("quantize_model/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}")
    priority: 1
    conda:
        "../envs/environment.yaml"
    threads: 1
    params:
        library=library("quantize_model"),
        recipe=lambda wildcards: recipe_made(wildcards, "fixed"),
        small=config["quantization"]["small_tensors"],
    script:
        "../workflow_scripts/quantize_model.py"


rule train_codebook:
    input:
        model=result("models/{model}/{city}/{threshold}/l1-{l1}/pruned.safetensors"),
        teacher=result("models/{model}/{city}/base.safetensors"),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        result(
            "models/{model}/{city}/{threshold}/l1-{l1}/{quantizer}-{bits}-trained.pvlad"
        ),
    log:
        log_file("train_codebook/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}"),
    benchmark:
        timing("train_codebook/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}")
    priority: 1
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        gpu=GPUS,
    params:
        library=library("train_codebook"),
        recipe=lambda wildcards: recipe_made(wildcards, "trained"),
        compute=COMPUTE,
        checkpoint=result(
            "checkpoints/{model}-{city}-{threshold}-{l1}-{quantizer}-{bits}.pt"
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
        model=result("models/{model}/{city}/base.safetensors"),
        settings=rules.choose_settings.output.settings if CHOOSES else [],
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        result("models/{model}/{city}/rd/{distortion}.pvlad"),
    log:
        log_file("round_model/{model}-{city}-{distortion}"),
    benchmark:
        timing("round_model/{model}-{city}-{distortion}")
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
        filled(result("models/{model}/{city}/{version}.pvlad"), version=VERSIONS),
