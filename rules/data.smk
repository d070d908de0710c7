# From archives, fetched or drawn, to an indexed data set.

# Before all that takes long: an archive that is gone or damaged is found in the first minutes, not
# after days of training on the other city.
BEFORE_TRAINING = 3

# Here the wildcard `city` is any role: one of the two cities, or a test set.
ROLES = list(data_sets(config))


rule render_city:
    output:
        images=result("data/{city}/archives/images.tar"),
        ground_truth=result("data/{city}/archives/ground_truth.tgz"),
        positions=result("data/{city}/archives/positions.csv"),
    log:
        log_file("render_city/{city}"),
        timing("render_city/{city}"),
    wildcard_constraints:
        city=one_of(ROLES),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        **requests("render_city"),
    params:
        library=library("render_city"),
        spec=lambda wildcards: FILES.dataset(wildcards.city)["render"],
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
        file=one_of(name for name, source in FILES.sources.items() if source.web_urls),
    priority: BEFORE_TRAINING
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("download_source"),
    script:
        "../workflow_scripts/download_source.py"


rule extract_archives:
    input:
        archives=lambda wildcards: FILES.archives(wildcards.city, wildcards.kind),
    output:
        directory(result("data/{city}/{kind}")),
    log:
        log_file("extract_archives/{city}-{kind}"),
        timing("extract_archives/{city}-{kind}"),
    wildcard_constraints:
        city=one_of(ROLES),
        kind="images|ground_truth",
    priority: BEFORE_TRAINING
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("extract_archives"),
    params:
        library=library("extract_archives"),
        declared=lambda wildcards: FILES.declared(
            FILES.archive_names(wildcards.city, wildcards.kind)
        ),
        suffix=lambda wildcards: {"images": ".jpg", "ground_truth": ".txt"}[
            wildcards.kind
        ],
    script:
        "../workflow_scripts/extract_archives.py"


# Where a city's images are a folder of one's own, this is how its pictures get there.
ruleorder: link_images > extract_archives


# The folder itself is no input: its time changes with every hidden file in it, and not when a
# picture is replaced. What the files in it look like is a parameter in its stead.
rule link_images:
    output:
        directory(result("data/{city}/images")),
    log:
        log_file("link_images/{city}"),
    wildcard_constraints:
        city=one_of(city for city in ROLES if "folder" in FILES.dataset(city)),
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("link_images"),
    params:
        library=library("link_images"),
        folder=lambda wildcards: str(FILES.images(wildcards.city)),
        state=lambda wildcards: state(
            find_images(FILES.images(wildcards.city)), FILES.images(wildcards.city)
        ),
    script:
        "../workflow_scripts/link_images.py"


rule index_dataset:
    input:
        images=result("data/{city}/images"),
        ground_truth=lambda wildcards: FILES.awaited_lists(wildcards.city),
        positions=lambda wildcards: FILES.positions(wildcards.city),
    output:
        result("data/{city}/dataset.json"),
    log:
        log_file("index_dataset/{city}"),
        timing("index_dataset/{city}"),
    wildcard_constraints:
        city=one_of(ROLES),
    priority: BEFORE_TRAINING
    conda:
        "../envs/environment.yaml"
    resources:
        **requests("index_dataset"),
    params:
        library=library("index_dataset"),
        declared=lambda wildcards: FILES.declared(FILES.table_names(wildcards.city)),
        name=lambda wildcards: data_sets(config)[wildcards.city],
        ground_truth=lambda wildcards: FILES.ground_truth(wildcards.city),
        state=lambda wildcards: FILES.state_of_lists(wildcards.city),
        queries=lambda wildcards: FILES.queries(wildcards.city),
        protocol=lambda wildcards: FILES.dataset(wildcards.city).get(
            "protocol", "original"
        ),
        query_prefix=lambda wildcards: FILES.dataset(wildcards.city).get(
            "query_prefix", ""
        ),
        # One parameter: Snakemake compares the set of all values, so that of two that are true and
        # false it would not see one change.
        counted=lambda wildcards: {
            "expected_images": FILES.dataset(wildcards.city).get("expected_images"),
            "expected_queries": FILES.dataset(wildcards.city).get("expected_queries"),
            "leave_out": FILES.dataset(wildcards.city).get("leave_out", []),
            "partial": FILES.dataset(wildcards.city).get("partial", False),
            # Photographs of one's own are seen as they were held; published boxes refer to the
            # pixels as they are stored.
            "upright": "folder" in FILES.dataset(wildcards.city),
        },
        located=lambda wildcards: FILES.located(wildcards.city),
    script:
        "../workflow_scripts/index_dataset.py"


rule data:
    input:
        filled(result("data/{city}/dataset.json"), city=ROLES),
