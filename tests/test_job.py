"""What surrounds a job: one process at a time, errors with advice, outputs that are kept."""

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import InputFiles, Params, Wildcards
from workflow_runs import ROOT

from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.complete_outputs import forget_outputs

JOB = """
import sys, time
from pocketvlad.study.job import logged
with logged("job.log"):
    print("begun")
    print("begun", file=sys.__stdout__, flush=True)
    time.sleep(float(sys.argv[1]))
    print("ended")
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Where locks are kept."""
    monkeypatch.chdir(tmp_path)


def start(folder, seconds):
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(seconds)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_never_do_one_job_at_once(tmp_path):
    first = start(tmp_path, 60)
    assert first.stdout.readline() == "begun\n"
    (tmp_path / "job.log").unlink()  # as Snakemake does before it starts a job
    second = start(tmp_path, 0)
    assert "still does this job" in second.stderr.readline()
    time.sleep(0.3)
    assert second.poll() is None
    assert not (tmp_path / "job.log").exists()
    first.kill()
    first.communicate()
    assert second.communicate(timeout=30)[0] == "begun\n"
    assert (tmp_path / "job.log").read_text() == "begun\nended\n"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EROFS, "mount its file system for writing"),
        (errno.EACCES, "give your user the right"),
    ],
)
def test_an_error_of_the_system_says_what_to_do(tmp_path, number, remedy):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit), logged(log):
        raise OSError(number, os.strerror(number), "table.csv")
    said = log.read_text()
    assert os.strerror(number) in said
    assert "table.csv" in said
    assert remedy in said
    assert "run the same command again" in said


def test_other_errors_have_no_advice(tmp_path):
    with pytest.raises(SystemExit), logged(tmp_path / "job.log"):
        raise ValueError("a.jpg is no image")
    assert "same command" not in (tmp_path / "job.log").read_text()


def test_a_job_may_end_early(tmp_path):
    log = tmp_path / "job.log"
    with logged(log):
        print("nothing to do")
        sys.exit()
    assert log.read_text() == "nothing to do\n"


def test_outputs_of_a_complete_job_come_back(tmp_path):
    """They were removed by a run of which the job's Snakemake knew nothing."""
    outputs = [tmp_path / "model", tmp_path / "history.csv"]
    checkpoint = Checkpoint(tmp_path / "checkpoints" / "a.pt", "x")
    settings = {"epochs": 2, "library": "1"}
    checkpoint.save({"history": []})
    for number, path in enumerate(outputs):
        path.write_text(str(number))
    checkpoint.complete(outputs, settings)
    assert not checkpoint.path.exists()
    for path in outputs:
        path.unlink()
    for other in ({"epochs": 3, "library": "1"}, {"epochs": 2, "library": "2"}):
        assert not checkpoint.restored(outputs, other)
    assert not Checkpoint(checkpoint.path, "y").restored(outputs, settings)
    assert not any(path.exists() for path in outputs)
    assert checkpoint.restored(outputs, settings)
    assert [path.read_text() for path in outputs] == ["0", "1"]
    checkpoint.save({"history": []})  # of a process that was killed before it removed it
    assert checkpoint.restored(outputs, settings)
    assert not checkpoint.path.exists()
    forget_outputs([tmp_path / "checkpoints" / "other.pt"])
    assert list((tmp_path / "checkpoints").iterdir())
    forget_outputs([checkpoint.path])
    assert not list((tmp_path / "checkpoints").iterdir())
    assert not checkpoint.restored(outputs, settings)


PARAMS = {
    "library": "1",
    "compute": {"device": "cpu", "precision": "float32"},
    "checkpoint": "checkpoints/a.pt",
    "training": {"epochs": 2, "margin": 0.1},
}


@pytest.fixture
def training():
    """A function that gives a job's checkpoint, where parameters, wildcards or the bytes of its
    files are others."""
    for name in ("checkpoints", "images"):
        Path(name).mkdir()

    def of(*, model=b"m", index=b"{}", picture=b"one", threshold="0.1", instead=None, **params):
        files = {"model": "m.safetensors", "dataset": "dataset.json", "images": "images/a.jpg"}
        for name, content in zip(files.values(), (model, index, picture), strict=True):
            Path(name).write_bytes(content)
            os.utime(name, (1e9, 1e9))
        job = SimpleNamespace(
            input=InputFiles(fromdict={**files, "images": "images"}),
            params=Params(fromdict=PARAMS | params),
            wildcards=Wildcards(fromdict={"threshold": threshold}),
        )
        return job_checkpoint(job, **(instead or {}))

    return of


def test_a_search_keeps_its_trials_until_its_outputs_are_kept(tmp_path):
    output = tmp_path / "model"
    output.write_text("0")
    search = Checkpoint(tmp_path / "checkpoints" / "search", "x")
    search.path.mkdir(parents=True)
    (search.path / "0.1.json").write_text("{}")
    search.complete([output], {})
    assert not search.path.exists()
    output.unlink()
    assert search.restored([output], {})
    assert output.read_text() == "0"


def test_a_job_resumes_at_its_own_checkpoint(training):
    training().save({"epoch": 1})
    assert training().load() == {"epoch": 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"library": "2"},
        {"compute": {"device": "cuda", "precision": "float32"}},
        {"compute": {"device": "cpu", "precision": "bfloat16"}},
        {"training": {"epochs": 2, "margin": 0.2}},
        {"threshold": "0.2"},
        {"model": b"n"},
        {"index": b"[]"},
        {"picture": b"two"},  # of the name, the size and the date of the other
    ],
    ids=["code", "device", "precision", "setting", "cell", "model", "index", "picture"],
)
def test_a_job_that_has_changed_begins_anew(training, changed):
    training().save({"epoch": 1})
    assert training(**changed).load() is None
    assert training().load() == {"epoch": 1}


def test_a_job_may_go_on_from_another_value(training):
    lasting = {"training": {"margin": 0.1}}
    training(instead=lasting).save({"epoch": 1})
    longer = {"epochs": 5, "margin": 0.1}
    assert training(instead=lasting, training=longer).load() == {"epoch": 1}
    assert training(instead=lasting, training=longer, library="2").load() is None


RULES = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
RESUMING = [
    ROOT / "rules" / script
    for rule in re.split(r"(?m)^(?=(?:use )?rule )", RULES)
    if "checkpoint=" in rule
    for script in re.findall(r'script:\n +"(.+)"', rule)
]


def test_jobs_that_resume_are_known():
    names = {"prune_model", "round_model", "search_budgets", "train_codebook", "train_model"}
    assert {path.stem for path in RESUMING} == names | {"pretrain_backbone"}


@pytest.mark.parametrize("script", RESUMING, ids=lambda path: path.stem)
def test_a_checkpoint_belongs_to_all_that_its_rule_names(script):
    """Snakemake makes a job again where any of it has changed: epochs of before are no part of
    it."""
    text = script.read_text()
    assert "job_checkpoint(snakemake" in text
    assert not re.search(r"\bCheckpoint\(|fingerprint\(", text)


@pytest.mark.parametrize("script", RESUMING, ids=lambda path: path.stem)
def test_a_complete_job_is_not_repeated_before_snakemake_has_noted_it(script):
    text = script.read_text()
    assert "if checkpoint.restored(snakemake.output, params):\n        sys.exit()\n" in text
    assert text.endswith("    checkpoint.complete(snakemake.output, params)\n")
