# A city for a browser: `snakemake city`, which no other rule needs. `make page` comes before.

MANIFEST = result("city/city.json")


rule pack_city:
    input:
        table=result("table.csv"),
        models=PACKABLE.values(),
        dataset=result(f"data/{PACKED_CITY}/dataset.json"),
        images=result(f"data/{PACKED_CITY}/images"),
        positions=FILES.positions(PACKED_CITY),
    output:
        directory(result("city")),
    log:
        log_file("pack_city"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("pack_city"),
        gpu=GPUS,
    params:
        # And the code of its map, whatever those of the study are.
        library=library("pack_city", "maps/codes/int8.py"),
        page=lambda wildcards: page_state(),
        cells=list(PACKABLE),
        training_city=test_city(PACKED_CITY),
        device=config["compute"]["device"],
    script:
        "../workflow_scripts/pack_city.py"


# For the report. The city is looked at as it lies there: a run of the study neither packs one nor
# renews it.
rule tell_city:
    input:
        [MANIFEST] if Path(MANIFEST).is_file() else [],
    output:
        # The report's front page takes it in.
        result("city_fragment.html"),
    log:
        log_file("tell_city"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("tabulate"),
    params:
        library=library("tell_city"),
    script:
        "../workflow_scripts/tell_city.py"


localrules:
    city,


rule city:
    input:
        rules.pack_city.output,
