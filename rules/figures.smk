# Pictures of the results. Each rule groups what the same inputs make: a job that draws starts up
# for seconds.


# The measurements of all jobs, by rule. They are no inputs: a study whose measurements were
# deleted, or were never written, must not be trained again for a plot.
TIMINGS = {
    "render_city": filled(
        rules.render_city.log[1],
        city=[role for role in ROLES if "render" in FILES.dataset(role)],
    ),
    "extract_archives": filled(
        rules.extract_archives.log[1], city=ROLES, kind=["images", "ground_truth"]
    ),
    "index_dataset": filled(rules.index_dataset.log[1], city=ROLES),
    "evaluate_histogram": filled(rules.evaluate_histogram.log[1], city=ROLES),
    "initialise_model": filled(rules.initialise_model.log[1], version="initial")
    + filled(
        rules.initialise_model.log[1],
        model=NARROW,
        version="untrained",
        seed=FIRST_SEED,
    ),
    "train_model": filled(rules.train_model.log[1]),
    "prune_model": timings(rules.prune_model, recipe="pruned"),
    "quantize_model": timings(rules.quantize_model, recipe="pruned", codebook="fixed"),
    "train_codebook": timings(
        rules.train_codebook, recipe="pruned", codebook="trained"
    ),
    "choose_settings": (
        timings(rules.choose_settings, recipe="rounded") if CHOOSES else []
    ),
    "round_model": timings(rules.round_model, recipe="rounded"),
    "evaluate_model": filled(
        rules.evaluate_model.log[1], model=TRAINED, version="initial"
    )
    + filled(rules.evaluate_model.log[1], version="base")
    + of_cells(rules.evaluate_model.log[1])
    + filled(
        rules.evaluate_model.log[1],
        model=NARROW,
        version="untrained",
        seed=FIRST_SEED,
    ),
    "measure_speed": expand(rules.measure_speed.log[1], model=MODELS),
    "evaluate_test_set": on_test_sets(rules.evaluate_test_set.log[1], of_all),
}
if MAPPED:
    TIMINGS["describe_cities"] = of_mapped(rules.describe_cities.log[1])
    TIMINGS["describe_test_set"] = on_test_sets(
        rules.describe_test_set.log[1], of_mapped
    )
    TIMINGS["code_maps"] = filled(rules.code_maps.log[1], model=MAPPED, seed=FIRST_SEED)
    TIMINGS["code_test_maps"] = on_test_sets(
        rules.code_test_maps.log[1], filled, model=MAPPED, seed=FIRST_SEED
    )
if BACKEND_CHOICE:
    TIMINGS["measure_backend"] = expand(rules.measure_backend.log[1], model=MODELS)
# A study on photographs renders no city, one of fixed codebooks trains none, and one of given
# settings chooses none.
TIMINGS = {name: files for name, files in TIMINGS.items() if files}


rule plot_results:
    input:
        table=result("table.csv"),
        paper=rules.tabulate_results.input.paper,
    output:
        size=drawing("size", "size", "mAP against size", "all models"),
        pruning=drawing("pruning", "pruning", "mAP against % pruned", "all models"),
    log:
        log_file("plot_results"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("plot_results"),
        cities=CITIES,
    script:
        "../workflow_scripts/plot_results.py"


rule plot_studies:
    input:
        tables=[result("table.csv"), *OTHER_STUDIES.values()],
    output:
        drawing("studies", "studies", "mAP against size, several studies", "all models"),
    log:
        log_file("plot_studies"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("plot_studies"),
        # What `tables` are of.
        studies=[STUDY, *OTHER_STUDIES],
        cities=CITIES,
    script:
        "../workflow_scripts/plot_studies.py"


# Those that are pruned, whose weights are drawn stage by stage.
PRUNED = [name for name in MODELS if prunings_of(name)]


# Which cell is drawn, the table says: every cell is an input, and few are read.
rule plot_layers:
    input:
        table=result("table.csv"),
        base=of_one(model_path("base.safetensors"), lambda _: {"city": CITIES}),
        weights=of_one(
            model_path("{pruning}/weights.csv"),
            lambda model: {"city": CITIES[0], "pruning": prunings_of(model)},
        ),
        compressed=of_one(
            model_path("{version}.pvlad"),
            lambda model: {"city": CITIES, "version": versions_of(model)},
        ),
    output:
        weights=drawing("weights-{model}", "weights", "weights by stage", "{model}"),
        weights_csv=result("plots/weights-{model}.csv"),
        bytes=drawing("bytes-{model}", "bytes", "bytes by layer", "{model}"),
        bytes_csv=result("plots/bytes-{model}.csv"),
    log:
        log_file("plot_layers/{model}"),
    wildcard_constraints:
        model=one_of(PRUNED),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("plot_layers"),
        seed=FIRST_SEED,
        cities=CITIES,
        # What `weights` and `compressed` are of.
        prunings=lambda wildcards: list(prunings_of(wildcards.model)),
        versions=lambda wildcards: versions_of(wildcards.model),
        layers=config.get("figures", {}).get("layers", []),
    script:
        "../workflow_scripts/plot_layers.py"


# The same for models that `rd` alone compresses: it turns layers, so that weights before and after
# are not of the same inputs.
use rule plot_layers as plot_bytes with:
    output:
        bytes=drawing("bytes-{model}", "bytes", "bytes by layer", "{model}"),
        bytes_csv=result("plots/bytes-{model}.csv"),
    log:
        log_file("plot_bytes/{model}"),
    wildcard_constraints:
        model=one_of(name for name in MODELS if name not in PRUNED),


# The tables stand for the end of all jobs that are measured.
rule plot_run_time:
    input:
        table=result("table.csv"),
        maps=result("map.csv") if MAPPED else [],
        speed=result("speed.csv"),
    output:
        figure=drawing("run-time", "run_time", "run time and memory", "all rules"),
        table=result("plots/run-time.csv"),
    log:
        log_file("plot_run_time"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("plot_run_time"),
        study=STUDY,
        files=TIMINGS,
    script:
        "../workflow_scripts/plot_run_time.py"


rule draw_retrieval:
    input:
        table=result("table.csv"),
        scores=of_one(
            SCORE,
            lambda model: {
                "city": list(map(test_city, CITIES)),
                "version": ["base", *versions_of(model)],
            },
        ),
        datasets=expand(result("data/{city}/dataset.json"), city=CITIES),
        images=expand(result("data/{city}/images"), city=CITIES),
    output:
        sheets=[
            report(
                result(f"plots/retrieval-{{model}}-{city}.jpg"),
                caption="../report/retrieval.rst",
                category="Figures",
                labels={
                    "figure": "queries and their answers",
                    "of": f"{{model}} on {city}",
                },
            )
            for city in CITIES
        ],
        tables=expand(result("plots/retrieval-{{model}}-{city}.csv"), city=CITIES),
    log:
        log_file("draw_retrieval/{model}"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("draw_retrieval"),
        seed=FIRST_SEED,
        # What `scores` are of; each of the models was tested on the city in its place.
        training_cities=list(map(test_city, CITIES)),
        versions=lambda wildcards: ["base", *versions_of(wildcards.model)],
    script:
        "../workflow_scripts/draw_retrieval.py"


rule figures:
    input:
        rules.plot_studies.output if "studies" in config.get("figures", {}) else [],
        expand(
            result("plots/{name}.{suffix}"),
            name=["size", "pruning", "run-time"],
            suffix=["svg", "png"],
        ),
        filled(result("plots/bytes-{model}.{suffix}"), suffix=["svg", "png"]),
        filled(
            result("plots/weights-{model}.{suffix}"),
            model=PRUNED,
            suffix=["svg", "png"],
        ),
        filled(result("plots/retrieval-{model}-{city}.jpg")),
