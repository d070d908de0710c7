# One job a model file, of any seed: mAP on the city that the model was not trained on, and its size.
# One more on each test set.


# What scores depend on, whatever the data set.
SCORING = dict(
    library=library("evaluate_model"),
    study=STUDY,
    # What made the model, and the bits by which the paper counts its memory.
    recipe=lambda wildcards: columns_of(wildcards.version),
    paper_bits=lambda wildcards: paper_bits(wildcards.version),
    protocol=config["protocol"],
    recall=config["recall"],
    compute=DESCRIBE,
    batch_size=config["compute"]["batch_size"],
    threshold_mode=config["pruning"]["threshold_mode"],
)


rule evaluate_model:
    input:
        model=model_file,
        training_dataset=result("data/{city}/dataset.json"),
        dataset=lambda wildcards: (
            result(f"data/{test_city(wildcards.city)}/dataset.json")
        ),
        images=lambda wildcards: result(f"data/{test_city(wildcards.city)}/images"),
        backend=BACKEND_CHOICE,
    output:
        SCORE,
    log:
        log_file("evaluate_model/{model}-{city}-seed-{seed}-{version}"),
        timing("evaluate_model/{model}-{city}-seed-{seed}-{version}"),
    # Before new models are pruned: results come early, and few jobs wait at a time.
    priority: 2
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("evaluate_model"),
        gpu=GPUS,
    params:
        **SCORING,
        test_city=lambda wildcards: test_city(wildcards.city),
    script:
        "../workflow_scripts/evaluate_model.py"


use rule evaluate_model as evaluate_test_set with:
    input:
        model=model_file,
        training_dataset=result("data/{city}/dataset.json"),
        dataset=result("data/{test_set}/dataset.json"),
        images=result("data/{test_set}/images"),
        backend=BACKEND_CHOICE,
    output:
        TEST_SCORE,
    log:
        log_file("evaluate_test_set/{test_set}-{model}-{city}-seed-{seed}-{version}"),
        timing("evaluate_test_set/{test_set}-{model}-{city}-seed-{seed}-{version}"),
    params:
        **SCORING,
        test_city=lambda wildcards: wildcards.test_set,


rule evaluate_histogram:
    input:
        dataset=result("data/{city}/dataset.json"),
        images=result("data/{city}/images"),
    output:
        result("scores/histogram/{city}.json"),
    log:
        log_file("evaluate_histogram/{city}"),
        timing("evaluate_histogram/{city}"),
    # A test set, too.
    wildcard_constraints:
        city=one_of(ROLES),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("evaluate_histogram"),
    params:
        library=library("evaluate_histogram"),
        protocol=config["protocol"],
        recall=config["recall"],
    script:
        "../workflow_scripts/evaluate_histogram.py"


rule evaluate:
    input:
        base=filled(SCORE, model=TRAINED, version="initial")
        + filled(SCORE, version="base"),
        untrained=filled(SCORE, model=NARROW, version="untrained", seed=FIRST_SEED),
        cells=of_cells(SCORE),
        test_sets=on_test_sets(TEST_SCORE, of_all),
        histogram=filled(result("scores/histogram/{city}.json"), city=ROLES),
