"""What is changed in Snakemake's scheduler, in a run of its own."""

import errno
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Lock, Semaphore
from types import SimpleNamespace

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler
from workflow_runs import ROOT

from pocketvlad.study.scheduler import end_when_asked, explain_refusals

# What Snakemake does to an output of a job that has ended, on a disk that was just mounted anew.
REFUSED = """
import errno
import os
from pathlib import Path

import snakemake.io
from pocketvlad.study.scheduler import explain_refusals

rule one:
    output:
        "results/a"
    shell:
        "echo a > {output}"

def refuse(*_):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))

onstart:
    explain_refusals(workflow.scheduler, Path("results"))
    snakemake.io.lutime = refuse
"""

SNAKEFILE = """
from pocketvlad.study.scheduler import start_all_at_once

rule all:
    input:
        ["a", "b"]
    output:
        touch("c")

rule one:
    output:
        touch("{name}")
    wildcard_constraints:
        name="[ab]"

onstart:
    start_all_at_once(workflow.scheduler)
"""


def run(folder, snakefile, *options):
    (folder / "Snakefile").write_text(snakefile)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--scheduler", "greedy"]
    return subprocess.run(
        [*command, *options],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_no_job_and_no_end_waits_for_a_timer(tmp_path):
    """One job in a hundred seconds is what this call allows, and a timer of a hundred seconds is
    what it would start after each."""
    assert run(tmp_path, SNAKEFILE, "--max-jobs-per-timespan", "1/100s").returncode == 0
    assert all((tmp_path / name).exists() for name in "abc")


def test_a_signal_to_end_may_come_while_locks_are_held():
    """As it comes to a thread that notes a job as complete, or takes the semaphore."""
    scheduler = SimpleNamespace(_lock=Lock(), _open_jobs=Semaphore(0), _user_kill=None)
    scheduler.exit_gracefully = partial(JobScheduler.exit_gracefully, scheduler)
    before = signal.getsignal(signal.SIGTERM)
    end_when_asked(scheduler)
    try:
        with scheduler._lock, scheduler._open_jobs._cond:
            signal.raise_signal(signal.SIGTERM)
        assert scheduler._open_jobs.acquire(timeout=10)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert scheduler._user_kill == "graceful"


def test_what_snakemake_itself_is_refused_is_explained(tmp_path):
    ended = run(tmp_path, REFUSED)
    assert ended.returncode == 1
    said = ended.stdout + ended.stderr
    results = tmp_path / "results"
    assert f"{results}: Read-only file system; mount its file system for writing" in said
    assert "the same command goes on" in said
    assert "Traceback" not in said


def test_errors_of_other_kinds_are_snakemakes_own():
    def schedule():
        raise OSError(errno.EBADF, "Bad file descriptor")

    scheduler = SimpleNamespace(schedule=schedule)
    explain_refusals(scheduler, Path("results"))
    with pytest.raises(OSError, match="Bad file descriptor"):
        scheduler.schedule()
