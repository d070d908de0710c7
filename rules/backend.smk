# For `compute.backend: measured`: what describes the photographs of each model faster. A job a model,
# of the first training on one city: others compute the same.

MEASURED_CITY = test_city(CITIES[0])


rule measure_backend:
    input:
        model=lambda wildcards: model_path("base.safetensors").format(
            model=wildcards.model, city=MEASURED_CITY, seed=FIRST_SEED
        ),
        dataset=result(f"data/{CITIES[0]}/dataset.json"),
        images=result(f"data/{CITIES[0]}/images"),
    output:
        BACKEND_CHOICE,
    log:
        log_file("measure_backend/{model}"),
        timing("measure_backend/{model}"),
    # Scores wait for it.
    priority: 3
    conda:
        "../envs/environment.yaml"
    # All cores, though one is used: as in `measure_speed`.
    threads: workflow.resource_settings.cores or 1
    resources:
        **requests("measure_backend"),
        gpu=GPUS,
    params:
        library=library("measure_backend"),
        protocol=config["protocol"],
        device=config["compute"]["device"],
        batch_size=config["compute"]["batch_size"],
        seed=lambda wildcards: seed_of(FIRST_SEED, wildcards.model, "backend"),
    script:
        "../workflow_scripts/measure_backend.py"
