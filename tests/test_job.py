"""What surrounds a job: one process at a time, errors with advice, outputs that are kept."""

import errno
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from workflow_runs import ROOT

from pocketvlad.study.job import logged
from pocketvlad.study.training_city import city_files
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
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
    forget_outputs(tmp_path / "checkpoints")
    assert not list((tmp_path / "checkpoints").iterdir())
    assert not checkpoint.restored(outputs, settings)


def test_what_was_learnt_from_other_photographs_does_not_come_back(tmp_path):
    """Also where these have the names, the sizes and the dates of the others."""
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "dataset.json").write_text("{}")
    picture = images / "a.jpg"
    found = []
    for content in (b"one", b"two", b"one"):
        picture.write_bytes(content)
        os.utime(picture, (1e9, 1e9))
        given = SimpleNamespace(dataset=tmp_path / "dataset.json", images=images)
        files = city_files(SimpleNamespace(input=given))
        assert files == [tmp_path / "dataset.json", picture]
        found.append(fingerprint({}, files))
    assert found[0] == found[2] != found[1]


RESUMING = [
    path
    for path in sorted((ROOT / "workflow_scripts").glob("*.py"))
    if "snakemake.input.images" in path.read_text() or "training_city(" in path.read_text()
    if "Checkpoint(" in path.read_text() or "Trials(" in path.read_text()
]


@pytest.mark.parametrize("script", RESUMING, ids=lambda path: path.stem)
def test_jobs_that_resume_know_their_photographs_again(script):
    assert "city_files(snakemake)" in script.read_text()


def test_jobs_that_resume_are_known():
    names = {"prune_model", "round_model", "search_budgets", "train_codebook", "train_model"}
    assert {path.stem for path in RESUMING} == names
