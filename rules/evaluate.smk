# One job a model file: mAP on the city that the model was not trained on, and its size.


rule evaluate_model:
    input:
        model=model_file,
        training_dataset="results/{study}/data/{city}/dataset.json",
        dataset=lambda wildcards: (
            f"results/{{study}}/data/{test_city(wildcards.city)}/dataset.json"
        ),
        images=lambda wildcards: f"results/{{study}}/data/{test_city(wildcards.city)}/images",
    output:
        "results/{study}/scores/{model}/{city}/{version}.json",
    log:
        "logs/{study}/evaluate_model/{model}-{city}-{version}.log",
    benchmark:
        "benchmarks/{study}/evaluate_model/{model}-{city}-{version}.tsv"
    # Before new models are pruned: results come early, and few jobs wait at a time.
    priority: 2
    conda:
        "../envs/environment.yaml"
    threads: config["threads"]
    params:
        library=library("evaluate_model"),
        protocol=config["protocol"],
        batch_size=config["batch_size"],
        reading=config["pruning"]["reading"],
        seed=config["seed"],
        test_city=lambda wildcards: test_city(wildcards.city),
    script:
        "../workflow_scripts/evaluate_model.py"


rule evaluate_histogram:
    input:
        dataset="results/{study}/data/{city}/dataset.json",
        images="results/{study}/data/{city}/images",
    output:
        "results/{study}/scores/histogram/{city}.json",
    log:
        "logs/{study}/evaluate_histogram/{city}.log",
    benchmark:
        "benchmarks/{study}/evaluate_histogram/{city}.tsv"
    conda:
        "../envs/environment.yaml"
    params:
        library=library("evaluate_histogram"),
        protocol=config["protocol"],
    script:
        "../workflow_scripts/evaluate_histogram.py"


rule evaluate:
    input:
        base=expand(
            "results/{study}/scores/{model}/{city}/{version}.json",
            study=STUDY,
            model=MODELS,
            city=CITIES,
            version=["initial", "base"],
        ),
        untrained=expand(
            "results/{study}/scores/{model}/{city}/untrained.json",
            study=STUDY,
            model=UNTRAINED,
            city=CITIES,
        ),
        cells=expand(
            "results/{study}/scores/{model}/{city}/{version}.json",
            study=STUDY,
            model=MODELS,
            city=CITIES,
            version=[cell.version for cell in CELLS],
        ),
        histogram=expand(
            "results/{study}/scores/histogram/{city}.json", study=STUDY, city=CITIES
        ),
