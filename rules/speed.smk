# What one photograph costs: time and memory, on one thread. Apart from the scores, whose table is the
# same in every run. Of the first training on one city: others compute the same.

TIMED_CITY = test_city(CITIES[0])


rule measure_speed:
    input:
        models=lambda wildcards: [
            model_path(
                f"{version}.safetensors" if version in STATES else f"{version}.pvlad"
            ).format(model=wildcards.model, city=TIMED_CITY, seed=FIRST_SEED)
            for version in timed_versions(wildcards.model)
        ],
        dataset=result(f"data/{CITIES[0]}/dataset.json"),
        images=result(f"data/{CITIES[0]}/images"),
    output:
        result("speed/{model}.json"),
    log:
        log_file("measure_speed/{model}"),
        timing("measure_speed/{model}"),
    conda:
        "../envs/environment.yaml"
    # All cores, though one is used: a job beside it would slow it down. (`workflow.cores` is an
    # error where none are given, as for a report.)
    threads: workflow.resource_settings.cores or 1
    resources:
        **requests("measure_speed"),
    params:
        library=library("measure_speed", "retrieval/speed.py"),
        # What `models` are of.
        versions=lambda wildcards: timed_versions(wildcards.model),
        # Those that describe photographs: compressed models compute the same.
        describing=["base"],
        protocol=config["protocol"],
        seed=FIRST_SEED,
        city=TIMED_CITY,
        test_city=CITIES[0],
    script:
        "../workflow_scripts/measure_speed.py"


rule tabulate_speed:
    input:
        rows=expand(result("speed/{model}.json"), model=MODELS),
    output:
        table=report(
            result("speed.csv"),
            caption="../report/speed.rst",
            category="Table",
            labels={"what": "speed and memory", "form": "csv"},
        ),
        markdown=result("speed.md"),
        # The report's front page takes it in.
        fragment=result("speed_fragment.html"),
    log:
        log_file("tabulate_speed"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("tabulate_speed"),
        study=STUDY,
        # What `rows` are of; Snakemake does not see their order.
        models=MODELS,
    script:
        "../workflow_scripts/tabulate_speed.py"
