# A city for a browser: `snakemake city`, which no other rule needs. `make page` comes before.

PACKED_CITY = CITIES[0]
PACKED = [name for name in MODELS if config["models"][name].get("packed")] or MODELS


def packed_models():
    """The files to choose from: by cell, of the first training on the other city."""
    trained_on = next(city for city in CITIES if city != PACKED_CITY)
    return {
        f"{model} {recipe.version}": filled(
            model_path("{version}.pvlad"),
            model=model,
            city=trained_on,
            seed=FIRST_SEED,
            version=recipe.version,
        )[0]
        for model in PACKED
        for recipe, seeds in RECIPES[model].items()
        if FIRST_SEED in seeds
    }


rule pack_city:
    input:
        table=result("table.csv"),
        models=packed_models().values(),
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
        gpu=GPUS,
    params:
        library=library("pack_city"),
        cells=list(packed_models()),
        device=config["compute"]["device"],
    script:
        "../workflow_scripts/pack_city.py"


localrules:
    city,


rule city:
    input:
        rules.pack_city.output,
