# One job a cell: a pruned model, a quantizer and a bit width.


rule quantize_model:
    input:
        model="results/{study}/models/{model}/{city}/{threshold}/pruned.safetensors",
        library=library("quantize_model"),
    output:
        "results/{study}/models/{model}/{city}/{threshold}/{quantizer}-{bits}.pvlad",
    log:
        "logs/{study}/quantize_model/{model}-{city}-{threshold}-{quantizer}-{bits}.log",
    benchmark:
        "benchmarks/{study}/quantize_model/{model}-{city}-{threshold}-{quantizer}-{bits}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    script:
        "../workflow_scripts/quantize_model.py"


rule quantize:
    input:
        expand(
            "results/{study}/models/{model}/{city}/{threshold}/{quantizer}-{bits}.pvlad",
            study=STUDY,
            model=MODELS,
            city=CITIES,
            threshold=THRESHOLDS,
            quantizer=QUANTIZERS,
            bits=BITS,
        ),
