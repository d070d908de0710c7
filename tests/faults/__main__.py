"""`make faults FAULTS=300 SEED=1`: what a study does under faults, as a table by kind."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from workflow_runs import copy_workflow, small_study_config

from faults.campaign import Campaign
from faults.mounts import become_alone
from faults.study import Reference


def main() -> int:
    parser = argparse.ArgumentParser("python -m faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for all files; a temporary one without")
    parser.add_argument("--reference", type=Path, help="a clone in which the study has run")
    parser.add_argument("--config", type=Path, help="of the study that has run there")
    parser.add_argument("--rules", nargs="+", help="whose jobs are disturbed; all without")
    parser.add_argument("--report", type=Path, help="a JSON file to write")
    parser.add_argument("--targets", nargs="+", default=(), help="what is made; all without")
    arguments = parser.parse_args()
    become_alone([sys.executable, "-m", "faults", *sys.argv[1:]])
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        reference, config = arguments.reference, arguments.config
        if reference is None:
            reference, config = undisturbed(folder / "undisturbed")
        study = yaml.safe_load(config.read_text())["study"]
        known = Reference.of(reference.resolve(), study)
        report = Campaign(
            folder,
            config,
            known,
            arguments.rules or known.rules,
            arguments.seed,
            arguments.targets,
        ).run(arguments.faults)
    if arguments.report:
        report.write(arguments.report)
    print(report.table())
    return int(bool(report.wrong) or any(fault.wrong for fault in report.faults))


def undisturbed(folder: Path) -> tuple[Path, Path]:
    """(a clone in which the reduced study has run without any fault, its config)."""
    copy_workflow(folder)
    config = folder / "config.yaml"
    study = small_study_config(yaml.safe_load(config.read_text()))
    study["map"] = {"codes": ["int8"], "cells": []}
    study["models"]["vgg16"]["codes"] = ["int8"]
    config.write_text(yaml.safe_dump(study))
    subprocess.run([sys.executable, "-m", "snakemake", "--cores", "2"], cwd=folder, check=True)
    return folder, config


if __name__ == "__main__":
    sys.exit(main())
