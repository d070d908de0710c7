"""A study goes on after faults of every kind (docs/faults.md): 30 here, hundreds by `make faults`
or `pytest -m faults`."""

import json
import os
import subprocess
import sys

import pytest
from faults.kinds import all_kinds
from workflow_runs import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the harness reads Linux's /proc"),
    # A run that hangs is given up by the harness, which says more than pytest could.
    pytest.mark.timeout(1500),
]

KINDS = {kind.name for kind in all_kinds()}
FAULTS = 30
# One cell and what it needs: 12 jobs of 52, most of which wait for one another. A job that can be
# done at any time would be waited for until all others are over.
CELL = "results/small/scores/vgg16/paris/seed-1/0.01/l1-0/kmeans-5-fixed.json"
RULES = (
    "render_city",
    "extract_archives",
    "index_dataset",
    "initialise_model",
    "train_model",
    "prune_model",
    "quantize_model",
    "evaluate_model",
)


def inject(folder, *arguments):
    """What a campaign reports."""
    report = folder / "report.json"
    command = [sys.executable, "-m", "faults", "--folder", str(folder / "study"), *arguments]
    run = subprocess.run(
        [*command, "--report", str(report)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert report.is_file(), run.stdout[-5000:]
    return json.loads(report.read_text())


@pytest.fixture(scope="module")
def campaign(finished_study, tmp_path_factory):
    """30 faults while one cell is made, again and again from nothing."""
    folder, _ = finished_study
    return inject(
        tmp_path_factory.mktemp("faults"),
        *("--faults", str(FAULTS), "--seed", "1"),
        *("--reference", str(folder), "--config", str(folder / "small.yaml")),
        *("--targets", CELL, "--rules", *RULES),
    )


def test_a_study_survives(campaign):
    assert [fault for fault in campaign["faults"] if fault["wrong"]] == []
    assert len(campaign["faults"]) >= FAULTS
    # Which kinds find their jobs depends on the machine's speed; a few may not.
    kinds = {fault["kind"] for fault in campaign["faults"]}
    assert len(kinds) + len(campaign["skipped"]) >= len(KINDS) - 2, KINDS - kinds


def test_it_ends_as_if_nothing_had_been(campaign):
    assert campaign["wrong"] == []
    assert campaign["studies"] >= 1


@pytest.mark.faults
def test_a_study_survives_hundreds(tmp_path):
    """Every rule's jobs are killed."""
    report = inject(tmp_path, "--faults", os.environ.get("FAULTS", "300"), "--seed", "1")
    assert [fault for fault in report["faults"] if fault["wrong"]] == []
    assert report["wrong"] == []
