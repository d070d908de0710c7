# What goes out with the results: the answer, the configuration, a card for each compressed file.
# `snakemake --report` puts it together with the table and the figures.


rule answer_question:
    input:
        table=result("table.csv"),
    output:
        result("answer.rst"),
    log:
        log_file("answer_question"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("answer_question"),
        cities=CITIES,
        test_sets=TEST_SETS,
    script:
        "../workflow_scripts/answer_question.py"


rule show_configuration:
    input:
        base=rules.evaluate.input.base,
        cells=rules.evaluate.input.cells,
    output:
        report(
            result("configuration.html"),
            caption="../report/configuration.rst",
            category="Configuration",
            labels={"what": "configuration and versions"},
        ),
    log:
        log_file("show_configuration"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("show_configuration"),
        settings=used_settings(config),
    script:
        "../workflow_scripts/show_configuration.py"


# One job for all: a card takes milliseconds, a job seconds.
rule write_model_cards:
    input:
        table=result("table.csv"),
        by_seed=result("table_seeds.csv"),
        rows=rules.evaluate.input.cells,
        test_sets=rules.evaluate.input.test_sets,
        models=rules.quantize.input,
        template=os.path.relpath(ROOT / "report" / "model_card.md.jinja"),
    output:
        [re.sub(r"\.pvlad$", ".md", path) for path in rules.quantize.input],
    log:
        log_file("write_model_cards"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("write_model_cards"),
        test_sets=TEST_SETS,
        settings=used_settings(config),
    script:
        "../workflow_scripts/write_model_cards.py"


rule publish:
    input:
        result("answer.rst"),
        result("configuration.html"),
        result("city_fragment.html"),
        rules.write_model_cards.output,
