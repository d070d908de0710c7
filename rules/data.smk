# From archives, fetched or drawn, to an indexed data set.


rule render_city:
    output:
        images="results/{study}/data/{city}/archives/images.tar",
        ground_truth="results/{study}/data/{city}/archives/ground_truth.tgz",
    log:
        "logs/{study}/render_city/{city}.log",
    benchmark:
        "benchmarks/{study}/render_city/{city}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    params:
        library=library("render_city"),
        spec=lambda wildcards: dataset_of(wildcards.city)["render"],
    script:
        "../workflow_scripts/render_city.py"


# Without a digest of the library: an edited downloader must not fetch again what is there. And if
# the job does run again, `update` leaves it the file, which it keeps if that is the right one.
rule download_source:
    output:
        update("resources/{file}"),
    log:
        "logs/download_source/{file}.log",
    wildcard_constraints:
        file=one_of(name for name, source in SOURCES.items() if source.web_urls),
    conda:
        "../envs/environment.yaml"
    script:
        "../workflow_scripts/download_source.py"


rule extract_archives:
    input:
        archives=lambda wildcards: archive_paths(wildcards.city, wildcards.kind),
    output:
        directory("results/{study}/data/{city}/{kind}"),
    log:
        "logs/{study}/extract_archives/{city}-{kind}.log",
    benchmark:
        "benchmarks/{study}/extract_archives/{city}-{kind}.tsv"
    wildcard_constraints:
        kind="images|ground_truth",
    conda:
        "../envs/environment.yaml"
    params:
        library=library("extract_archives"),
        declared=lambda wildcards: declared_files(
            archive_names(wildcards.city, wildcards.kind)
        ),
        suffix=lambda wildcards: {"images": ".jpg", "ground_truth": ".txt"}[
            wildcards.kind
        ],
    script:
        "../workflow_scripts/extract_archives.py"


rule index_dataset:
    input:
        images="results/{study}/data/{city}/images",
        ground_truth="results/{study}/data/{city}/ground_truth",
    output:
        "results/{study}/data/{city}/dataset.json",
    log:
        "logs/{study}/index_dataset/{city}.log",
    benchmark:
        "benchmarks/{study}/index_dataset/{city}.tsv"
    conda:
        "../envs/environment.yaml"
    params:
        library=library("index_dataset"),
        name=lambda wildcards: config["cities"][wildcards.city],
        query_prefix=lambda wildcards: dataset_of(wildcards.city)["query_prefix"],
        expected_images=lambda wildcards: dataset_of(wildcards.city)["expected_images"],
        expected_queries=lambda wildcards: dataset_of(wildcards.city)[
            "expected_queries"
        ],
        leave_out=lambda wildcards: dataset_of(wildcards.city).get("leave_out", []),
        partial=lambda wildcards: dataset_of(wildcards.city).get("partial", False),
    script:
        "../workflow_scripts/index_dataset.py"


rule data:
    input:
        expand("results/{study}/data/{city}/dataset.json", study=STUDY, city=CITIES),
