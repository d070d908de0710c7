# The narrow backbones' weights, which the repository holds: made again by `snakemake pretrain`.


rule render_buildings:
    output:
        directory(result("pretraining/pictures")),
    log:
        log_file("render_buildings"),
        timing("render_buildings"),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("render_buildings"),
    params:
        library=library("render_buildings"),
        spec=config["pretraining"]["buildings"],
    script:
        "../workflow_scripts/render_buildings.py"


rule pretrain_backbone:
    input:
        pictures=result("pretraining/pictures"),
    output:
        result("pretraining/{model}.safetensors"),
    log:
        log_file("pretrain_backbone/{model}"),
        timing("pretrain_backbone/{model}"),
    conda:
        "../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        **requests("pretrain_backbone"),
    params:
        library=library("pretrain_backbone"),
        model=lambda wildcards: network_of(config, wildcards.model),
        settings=config["pretraining"]["classifier"],
        checkpoint=result("checkpoints/pretraining-{model}.pt"),
        # Made once, whatever the number of trainings that start from it.
        seed=lambda wildcards: seed_of(FIRST_SEED, wildcards.model, "pretraining"),
    script:
        "../workflow_scripts/pretrain_backbone.py"


rule pretrain:
    input:
        expand(result("pretraining/{model}.safetensors"), model=NARROW),
