"""A study goes on after faults of every kind (docs/faults.md).

Not part of `make test`: ten faults take about 100 s of a core. `pytest -m faults` injects them, and
300 more.
"""

import json
import os
import subprocess
import sys

import pytest
from faults.kinds import all_kinds
from workflow_runs import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the harness reads Linux's /proc"),
    pytest.mark.faults,
]

KINDS = [kind.name for kind in all_kinds()]
# One cell and all that it needs, of one training city: a study has four times as many jobs.
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
def campaign(small_study, tmp_path_factory):
    """One fault of each kind, and one kill of a job more, while one cell is made."""
    folder, _ = small_study
    return inject(
        tmp_path_factory.mktemp("faults"),
        *("--faults", str(len(KINDS) + 1), "--seed", "1"),
        *("--reference", str(folder), "--config", str(folder / "small.yaml")),
        *("--rules", *RULES, "--targets", CELL),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_survives(campaign, kind):
    if reason := campaign["skipped"].get(kind):
        pytest.skip(reason)
    found = [fault for fault in campaign["faults"] if fault["kind"] == kind]
    assert found
    assert [fault["wrong"] for fault in found if fault["wrong"]] == []


def test_it_ends_as_if_nothing_had_been(campaign):
    assert campaign["wrong"] == []
    assert campaign["studies"] >= 1


def test_a_study_survives_hundreds(tmp_path):
    """Every rule's jobs are killed."""
    report = inject(tmp_path, "--faults", os.environ.get("FAULTS", "300"), "--seed", "1")
    assert [fault for fault in report["faults"] if fault["wrong"]] == []
    assert report["wrong"] == []
