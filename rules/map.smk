# Model and map together: as which bytes a map keeps its places, learnt on the training city alone.
# Of the models of the first seed.

DESCRIPTORS = result("descriptors/{model}/{city}/seed-{seed}/{version}.npz")


# A file of its own, so that another code describes no photograph again.
rule describe_cities:
    input:
        model=model_file,
        training_dataset=result("data/{city}/dataset.json"),
        training_images=result("data/{city}/images"),
        dataset=lambda wildcards: (
            result(f"data/{test_city(wildcards.city)}/dataset.json")
        ),
        images=lambda wildcards: result(f"data/{test_city(wildcards.city)}/images"),
    output:
        DESCRIPTORS,
    log:
        log_file("describe_cities/{model}-{city}-seed-{seed}-{version}"),
    benchmark:
        timing("describe_cities/{model}-{city}-seed-{seed}-{version}")
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("describe_cities"),
        gpu=GPUS,
    params:
        library=library("describe_cities"),
        protocol=config["protocol"],
        compute=DESCRIBE,
        batch_size=config["compute"]["batch_size"],
    script:
        "../workflow_scripts/describe_cities.py"


rule code_maps:
    input:
        descriptors=of_versions(DESCRIPTORS),
        models=of_versions(
            lambda version: model_path(
                "{version}" + (".safetensors" if version in STATES else ".pvlad")
            )
        ),
        dataset=lambda wildcards: (
            result(f"data/{test_city(wildcards.city)}/dataset.json")
        ),
    output:
        result("map/{model}/{city}/seed-{seed}.json"),
    log:
        log_file("code_maps/{model}-{city}-seed-{seed}"),
    benchmark:
        timing("code_maps/{model}-{city}-seed-{seed}")
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("code_maps"),
    params:
        library=library("code_maps"),
        # What `descriptors` and `models` are of.
        versions=lambda wildcards: MAPPED[wildcards.model],
        codes=lambda wildcards: map_codes(config, wildcards.model),
        seed=lambda wildcards: seed_of(
            wildcards.seed, wildcards.model, wildcards.city, "map"
        ),
        test_city=lambda wildcards: test_city(wildcards.city),
    script:
        "../workflow_scripts/code_maps.py"


rule tabulate_maps:
    input:
        rows=filled(rules.code_maps.output[0], model=MAPPED, seed=FIRST_SEED),
    output:
        table=report(
            result("map.csv"),
            caption="../report/map.rst",
            category="Table",
            labels={"what": "model and map", "form": "csv"},
        ),
        markdown=result("map.md"),
        html=report(
            result("map.html"),
            caption="../report/map.rst",
            category="Table",
            labels={"what": "model and map", "form": "html"},
        ),
        # The report's front page takes it in.
        fragment=result("map_fragment.html"),
        figure=drawing("map", "map_figure", "mAP against model and map", "all models"),
    log:
        log_file("tabulate_maps"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("tabulate_maps"),
        study=STUDY,
        cities=CITIES,
        places=config["map"]["places"],
    script:
        "../workflow_scripts/tabulate_maps.py"


localrules:
    maps,


rule maps:
    input:
        rules.tabulate_maps.output,
