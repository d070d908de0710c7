# Settings that a study leaves open, chosen for each base model on the city that it was trained on.


rule choose_settings:
    input:
        model=model_path("base.safetensors"),
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        settings=model_path("settings.json"),
        queries=model_path("settings.csv"),
    log:
        log_file("choose_settings/{model}-{city}-seed-{seed}"),
        timing("choose_settings/{model}-{city}-seed-{seed}"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("choose_settings"),
        gpu=GPUS,
    params:
        library=library("choose_settings"),
        compute=COMPUTE,
        lengths=config["rd"].get("lengths"),
        drop=config["rd"]["length_drop"],
        validation=config["validation"],
        protocol=config["protocol"],
        # The queries are those of a search for a target.
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, "rd"
        ),
        split_seed=split_seed,
    script:
        "../workflow_scripts/choose_settings.py"
