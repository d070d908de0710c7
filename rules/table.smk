# From the scores to what a reader sees.


rule tabulate_results:
    input:
        base=rules.evaluate.input.base,
        untrained=rules.evaluate.input.untrained,
        cells=rules.evaluate.input.cells,
        test_sets=rules.evaluate.input.test_sets,
        histogram=rules.evaluate.input.histogram,
        paper=os.path.relpath(ROOT / "config" / "paper_results.csv"),
    output:
        table=report(
            result("table.csv"),
            caption="../report/table.rst",
            category="Table",
            labels={"what": "all cells", "form": "csv"},
        ),
        by_seed=report(
            result("table_seeds.csv"),
            caption="../report/table_seeds.rst",
            category="Table",
            labels={"what": "all cells, seed by seed", "form": "csv"},
        ),
        markdown=result("table.md"),
        tex=result("table.tex"),
        html=report(
            result("table.html"),
            caption="../report/table.rst",
            category="Table",
            labels={"what": "all cells", "form": "html"},
        ),
        # The report's front page takes it in.
        fragment=result("table_fragment.html"),
        baselines=report(
            result("baselines.csv"),
            caption="../report/baselines.rst",
            category="Table",
            labels={"what": "before compression", "form": "csv"},
        ),
    log:
        log_file("tabulate_results"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("tabulate_results"),
        study=STUDY,
        order=in_order(*MODELS),
        cities=CITIES,
        test_sets=TEST_SETS,
    script:
        "../workflow_scripts/tabulate_results.py"


# The table of the first model alone, as soon as its cells are scored. `make run` asks for it, and
# lets it come first: `--prioritize tabulate_preview`.
rule tabulate_preview:
    input:
        base=filled(SCORE, model=MODELS[0], version="base"),
        cells=[
            path
            for path in rules.evaluate.input.cells
            if path.startswith(result(f"scores/{MODELS[0]}/"))
        ],
    output:
        result("preview.txt"),
    log:
        log_file("tabulate_preview"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("tabulate_preview"),
        study=STUDY,
        order=in_order(MODELS[0]),
        cities=CITIES,
        model=MODELS[0],
    script:
        "../workflow_scripts/tabulate_preview.py"


# Where it is known where the images of both cities were taken.
rule tabulate_recall:
    input:
        base=filled(SCORE, version="base"),
        cells=rules.evaluate.input.cells,
    output:
        table=report(
            result("recall.csv"),
            caption="../report/recall.rst",
            category="Table",
            labels={"what": "Recall@N", "form": "csv"},
        ),
        markdown=result("recall.md"),
    log:
        log_file("tabulate_recall"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("tabulate_recall"),
        study=STUDY,
        order=in_order(*MODELS),
        cities=CITIES,
    script:
        "../workflow_scripts/tabulate_recall.py"


rule tabulate_layers:
    output:
        report(
            result("layers/{model}.csv"),
            caption="../report/layers.rst",
            category="Table",
            labels={"what": "layers of {model}", "form": "csv"},
        ),
    log:
        log_file("tabulate_layers/{model}"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("draw"),
    params:
        library=library("tabulate_layers"),
        model=lambda wildcards: network_of(config, wildcards.model),
        image_size=config["protocol"]["image_size"],
    script:
        "../workflow_scripts/tabulate_layers.py"


rule table:
    input:
        rules.tabulate_results.output,
        rules.tabulate_speed.output,
        filled(result("layers/{model}.csv")),
        rules.tabulate_recall.output if all(map(FILES.located, CITIES)) else [],
