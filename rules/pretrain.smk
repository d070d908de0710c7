# The narrow backbones' weights, which the repository holds: made again by `snakemake pretrain`.


rule render_buildings:
    output:
        directory("results/{study}/pretraining/pictures"),
    log:
        "logs/{study}/render_buildings.log",
    benchmark:
        "benchmarks/{study}/render_buildings.tsv"
    conda:
        "../envs/environment.yaml"
    params:
        library=library("render_buildings"),
        spec=config["pretraining"]["buildings"],
    script:
        "../workflow_scripts/render_buildings.py"


rule pretrain_backbone:
    input:
        pictures="results/{study}/pretraining/pictures",
    output:
        "results/{study}/pretraining/{model}.safetensors",
    log:
        "logs/{study}/pretrain_backbone/{model}.log",
    benchmark:
        "benchmarks/{study}/pretrain_backbone/{model}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    params:
        library=library("pretrain_backbone"),
        model=lambda wildcards: config["models"][wildcards.model],
        settings=config["pretraining"]["classifier"],
        checkpoint=lambda wildcards: "results/{study}/checkpoints/pretraining-{model}.pt".format(
            **wildcards
        ),
        seed=lambda wildcards: seed_of(wildcards.model, "pretraining"),
    script:
        "../workflow_scripts/pretrain_backbone.py"


rule pretrain:
    input:
        expand(
            "results/{study}/pretraining/{model}.safetensors",
            study=STUDY,
            model=MODELS,
        ),
