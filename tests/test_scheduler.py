"""What is changed in Snakemake's scheduler, in a run of its own."""

import signal
import subprocess
import sys
from functools import partial
from threading import Lock, Semaphore
from types import SimpleNamespace

from snakemake.scheduling.job_scheduler import JobScheduler
from workflow_runs import ROOT

from pocketvlad.study.scheduler import end_when_asked

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


def test_no_job_and_no_end_waits_for_a_timer(tmp_path):
    """One job in a hundred seconds is what this call allows, and a timer of a hundred seconds is
    what it would start after each."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--scheduler", "greedy"]
    subprocess.run(
        [*command, "--max-jobs-per-timespan", "1/100s"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=90,
    )
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
