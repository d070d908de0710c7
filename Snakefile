# PocketVLAD: prune, quantize and measure place recognition networks. See README.md.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


# Beside this file, whatever folder `--directory` makes the working one.
BESIDE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))


configfile: str(BESIDE / "pocketvlad" / "data" / "official" / "sources.yaml")
configfile: str(BESIDE / "pocketvlad" / "data" / "official" / "datasets.yaml")


report: "report/front_page.rst"


# A study given with --configfile is complete in itself: the default one must not show through.
if "cities" not in config and not workflow.overwrite_configfiles:

    configfile: "config.yaml" if Path("config.yaml").exists() else BESIDE / "config.yaml"


include: "rules/common.smk"
include: "rules/data.smk"


if "pretraining" in config:

    include: "rules/pretrain.smk"


include: "rules/train.smk"
include: "rules/prune.smk"


if CHOOSES:

    include: "rules/choose.smk"


include: "rules/quantize.smk"


if BACKEND == MEASURED:

    include: "rules/backend.smk"


include: "rules/evaluate.smk"
include: "rules/speed.smk"


if MAPPED:

    include: "rules/map.smk"


include: "rules/table.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/city.smk"


if BUDGETS:

    include: "rules/budgets.smk"


if "rivals" in config:

    include: "rules/rivals.smk"


localrules:
    all,
    data,
    train,
    prune,
    quantize,
    evaluate,
    table,
    figures,
    publish,
    # Nodes of a cluster often have no connection.
    download_source,


rule all:
    default_target: True
    input:
        rules.table.input,
        rules.figures.input,
        rules.publish.input,
        rules.maps.input if MAPPED else [],


# Jobs on this machine are forked from one process that has imported what they import.
onstart:
    run_begun()
    if fault := unwritable(Path("results")):
        raise WorkflowError(fault)
    for folder in (Path("results") / STUDY, Path("resources")):
        if dated := redate(folder):
            print(
                f"{folder}: {dated} files were dated in the future, and are dated now"
            )
    note_plan(planned(workflow.dag), alone())
    to_template = start_template(
        sorted((ROOT / "workflow_scripts").glob("*.py")),
        config["compute"]["threads"],
    )
    if to_template:
        # What Snakemake itself puts there, and then ours.
        shell.prefix(f"set -euo pipefail; {to_template} ")
    start_all_at_once(workflow.scheduler)
    end_when_asked(workflow.scheduler)
    explain_refusals(workflow.scheduler, Path("results"))
    if TERMINAL:
        TERMINAL.plan(planned_jobs(workflow.dag.needrun_jobs()))


onerror:
    print(
        "Finished jobs are kept. When the cause is mended, the same command goes on with the others."
    )


onsuccess:
    # Here, because it imports what takes a third of a second of each start.
    from pocketvlad.report.summary import summary_text

    jobs = list(workflow.dag.jobs)
    made = {str(file) for job in jobs for file in job.output}
    note_end(made)
    # Those of another run may not be noted yet, nor those of a run with other targets.
    if alone():
        forget_outputs(
            [
                job.params.checkpoint
                for job in jobs
                if "checkpoint" in job.params.keys()
            ]
        )
    print(summary_text(Path("results") / STUDY, made))
