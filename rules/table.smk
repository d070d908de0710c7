# From the scores to what a reader sees.


rule tabulate_results:
    input:
        base=rules.evaluate.input.base,
        untrained=rules.evaluate.input.untrained,
        cells=rules.evaluate.input.cells,
        histogram=rules.evaluate.input.histogram,
        paper=os.path.relpath(ROOT / "config" / "paper_results.csv"),
    output:
        table=report(
            "results/{study}/table.csv",
            caption="../report/table.rst",
            category="Table",
            labels={"what": "all cells", "form": "csv"},
        ),
        markdown="results/{study}/table.md",
        tex="results/{study}/table.tex",
        html=report(
            "results/{study}/table.html",
            caption="../report/table.rst",
            category="Table",
            labels={"what": "all cells", "form": "html"},
        ),
        # The report's front page takes it in.
        fragment="results/{study}/table_fragment.html",
        baselines=report(
            "results/{study}/baselines.csv",
            caption="../report/baselines.rst",
            category="Table",
            labels={"what": "before compression", "form": "csv"},
        ),
    log:
        "logs/{study}/tabulate_results.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("tabulate_results"),
        cities=CITIES,
    script:
        "../workflow_scripts/tabulate_results.py"


rule tabulate_layers:
    output:
        report(
            "results/{study}/layers/{model}.csv",
            caption="../report/layers.rst",
            category="Table",
            labels={"what": "layers of {model}", "form": "csv"},
        ),
    log:
        "logs/{study}/tabulate_layers/{model}.log",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("tabulate_layers"),
        model=lambda wildcards: config["models"][wildcards.model],
        image_size=config["protocol"]["image_size"],
    script:
        "../workflow_scripts/tabulate_layers.py"


rule table:
    input:
        expand(
            "results/{study}/{file}",
            study=STUDY,
            file=[
                "table.csv",
                "table.md",
                "table.tex",
                "table.html",
                "table_fragment.html",
                "baselines.csv",
            ],
        ),
        expand("results/{study}/layers/{model}.csv", study=STUDY, model=MODELS),
