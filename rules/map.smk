# Model and map together: as which bytes a map keeps its places, learnt on the training city alone.
# Of the models of the first seed.

DESCRIPTORS = result("descriptors/{model}/{city}/seed-{seed}/{version}.npz")
TEST_DESCRIPTORS = result(
    "test_descriptors/{test_set}/{model}/{city}/seed-{seed}/{version}.npz"
)
# What coded maps depend on, whatever the data set.
CODING = dict(
    library=library("code_maps"),
    # What `descriptors` and `models` are of.
    versions=lambda wildcards: MAPPED[wildcards.model],
    codes=lambda wildcards: map_codes(config, wildcards.model),
    seed=lambda wildcards: seed_of(
        wildcards.seed, wildcards.model, wildcards.city, "map"
    ),
)


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
        backend=BACKEND_CHOICE,
    output:
        DESCRIPTORS,
    log:
        log_file("describe_cities/{model}-{city}-seed-{seed}-{version}"),
        timing("describe_cities/{model}-{city}-seed-{seed}-{version}"),
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


# The training city's descriptors, of which codes are learnt, are there already.
use rule describe_cities as describe_test_set with:
    input:
        model=model_file,
        training_dataset=[],
        dataset=result("data/{test_set}/dataset.json"),
        images=result("data/{test_set}/images"),
        backend=BACKEND_CHOICE,
    output:
        TEST_DESCRIPTORS,
    log:
        log_file("describe_test_set/{test_set}-{model}-{city}-seed-{seed}-{version}"),
        timing("describe_test_set/{test_set}-{model}-{city}-seed-{seed}-{version}"),


rule code_maps:
    input:
        training=[],
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
        timing("code_maps/{model}-{city}-seed-{seed}"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("code_maps"),
    params:
        **CODING,
        # Recall@N of the two cities is in a table of its own.
        recall=None,
        test_city=lambda wildcards: test_city(wildcards.city),
    script:
        "../workflow_scripts/code_maps.py"


use rule code_maps as code_test_maps with:
    input:
        training=of_versions(DESCRIPTORS),
        descriptors=of_versions(TEST_DESCRIPTORS),
        models=rules.code_maps.input.models,
        dataset=result("data/{test_set}/dataset.json"),
    output:
        result("test_map/{test_set}/{model}/{city}/seed-{seed}.json"),
    log:
        log_file("code_test_maps/{test_set}-{model}-{city}-seed-{seed}"),
        timing("code_test_maps/{test_set}-{model}-{city}-seed-{seed}"),
    params:
        **CODING,
        recall=config["recall"],
        test_city=lambda wildcards: wildcards.test_set,


rule tabulate_maps:
    input:
        rows=filled(rules.code_maps.output[0], model=MAPPED, seed=FIRST_SEED),
        test_sets=on_test_sets(
            rules.code_test_maps.output[0], filled, model=MAPPED, seed=FIRST_SEED
        ),
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
        test_sets=TEST_SETS,
        places=config["map"]["places"],
    script:
        "../workflow_scripts/tabulate_maps.py"


localrules:
    maps,


rule maps:
    input:
        rules.tabulate_maps.output,
