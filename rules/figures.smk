# Pictures of the results. Each rule groups what the same inputs make: a job that draws starts up
# for seconds.


# The benchmark files of all jobs, by rule. They are no inputs: a study whose benchmark files were
# deleted, or were never written, must not be trained again for a plot.
MEASURED = {
    "render_city": benchmarks_of(
        rules.render_city, city=[c for c in CITIES if "render" in dataset_of(c)]
    ),
    "extract_archives": benchmarks_of(
        rules.extract_archives, kind=["images", "ground_truth"]
    ),
    "index_dataset": benchmarks_of(rules.index_dataset),
    "evaluate_histogram": benchmarks_of(rules.evaluate_histogram),
    "initialise_model": benchmarks_of(rules.initialise_model, version="initial")
    + benchmarks_of(rules.initialise_model, model=UNTRAINED, version="untrained"),
    "train_model": benchmarks_of(rules.train_model),
    "prune_model": benchmarks_of_cells(rules.prune_model, CELLS),
    "quantize_model": benchmarks_of_cells(
        rules.quantize_model, [cell for cell in CELLS if cell.codebook == "fixed"]
    ),
    "train_codebook": benchmarks_of_cells(
        rules.train_codebook, [cell for cell in CELLS if cell.codebook == "trained"]
    ),
    "round_model": benchmarks_of(
        rules.round_model, distortion=[cell.threshold for cell in ROUNDED]
    ),
    "evaluate_model": benchmarks_of(
        rules.evaluate_model,
        version=["initial", "base", *(cell.version for cell in CELLS + ROUNDED)],
    )
    + benchmarks_of(rules.evaluate_model, model=UNTRAINED, version="untrained"),
}
# A study on photographs renders no city, and one of fixed codebooks trains none.
MEASURED = {name: files for name, files in MEASURED.items() if files}


rule plot_results:
    input:
        table="results/{study}/table.csv",
        paper=rules.tabulate_results.input.paper,
    output:
        size=drawing("size", "size", "all models"),
        pruning=drawing("pruning", "pruning", "all models"),
    log:
        "logs/{study}/plot_results.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("plot_results"),
        cities=CITIES,
    script:
        "../workflow_scripts/plot_results.py"


# Which cell is drawn, the table says: every cell is an input, and few are read.
rule plot_layers:
    input:
        table="results/{study}/table.csv",
        base=expand(
            "results/{{study}}/models/{{model}}/{city}/base.safetensors", city=CITIES
        ),
        weights=expand(
            "results/{{study}}/models/{{model}}/{city}/{pruning}/weights.csv",
            city=CITIES[0],
            pruning=dict.fromkeys(cell.pruning for cell in CELLS),
        ),
        compressed=expand(
            "results/{{study}}/models/{{model}}/{city}/{version}.pvlad",
            city=CITIES,
            version=[cell.version for cell in CELLS + ROUNDED],
        ),
    output:
        weights=drawing("weights-{model}", "weights", "{model}"),
        weights_csv="results/{study}/plots/weights-{model}.csv",
        bytes=drawing("bytes-{model}", "bytes", "{model}"),
        bytes_csv="results/{study}/plots/bytes-{model}.csv",
    log:
        "logs/{study}/plot_layers/{model}.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("plot_layers"),
        cities=CITIES,
        layers=config.get("figures", {}).get("layers", []),
    script:
        "../workflow_scripts/plot_layers.py"


# The table stands for the end of all jobs that are measured.
rule plot_run_time:
    input:
        table="results/{study}/table.csv",
    output:
        figure=drawing("run-time", "run_time", "all rules"),
        table="results/{study}/plots/run-time.csv",
    log:
        "logs/{study}/plot_run_time.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("plot_run_time"),
        files=MEASURED,
    script:
        "../workflow_scripts/plot_run_time.py"


rule draw_retrieval:
    input:
        table="results/{study}/table.csv",
        scores=expand(
            "results/{{study}}/scores/{{model}}/{city}/{version}.json",
            city=CITIES,
            version=["base", *(cell.version for cell in CELLS + ROUNDED)],
        ),
        datasets=expand("results/{{study}}/data/{city}/dataset.json", city=CITIES),
        images=expand("results/{{study}}/data/{city}/images", city=CITIES),
    output:
        sheets=[
            report(
                f"results/{{study}}/plots/retrieval-{{model}}-{city}.jpg",
                caption="../report/retrieval.rst",
                category="Figures",
                labels={
                    "figure": FIGURE_LABELS["retrieval"],
                    "of": f"{{model}} on {city}",
                },
            )
            for city in CITIES
        ],
        tables=expand(
            "results/{{study}}/plots/retrieval-{{model}}-{city}.csv", city=CITIES
        ),
    log:
        "logs/{study}/draw_retrieval/{model}.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("draw_retrieval"),
        # Of the model that is tested on each city.
        training_cities={city: test_city(city) for city in CITIES},
    script:
        "../workflow_scripts/draw_retrieval.py"


rule figures:
    input:
        expand(
            "results/{study}/plots/{name}.{suffix}",
            study=STUDY,
            name=["size", "pruning", "run-time"],
            suffix=["svg", "png"],
        ),
        expand(
            "results/{study}/plots/{name}-{model}.{suffix}",
            study=STUDY,
            name=["weights", "bytes"],
            model=MODELS,
            suffix=["svg", "png"],
        ),
        expand(
            "results/{study}/plots/retrieval-{model}-{city}.jpg",
            study=STUDY,
            model=MODELS,
            city=CITIES,
        ),
