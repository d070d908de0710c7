# A city for a browser: `snakemake city`, which no other rule needs. `make page` comes before.


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
        library=library("pack_city"),
        cells=list(PACKABLE),
        device=config["compute"]["device"],
    script:
        "../workflow_scripts/pack_city.py"


localrules:
    city,


rule city:
    input:
        rules.pack_city.output,
