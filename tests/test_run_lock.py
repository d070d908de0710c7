"""Locks of runs: one that a killed run has left is removed, one of a living run never."""

import os
import signal
import subprocess
import sys

import pytest
from workflow_runs import ROOT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only POSIX has these locks")

RUN = """
import sys
from pathlib import Path
from pocketvlad.study import run_lock
from pocketvlad.study.run_lock import alone, begin_run, run_begun
run_lock._PATIENCE = float(sys.argv[1])
begin_run()
locked = Path(".snakemake/locks").is_dir()
print("refused" if locked else "runs", flush=True)
if sys.stdin.readline() == "lock\\n":
    Path(".snakemake/locks").mkdir()
    Path(".snakemake/locks/0.output.lock").touch()
    run_begun()
    print("locked", flush=True)
    while sys.stdin.readline():
        print(alone(), flush=True)
"""


@pytest.fixture
def run(tmp_path):
    """A function that starts a process that plays Snakemake, as far as locks go."""
    started = []

    def start(patience=120):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(patience)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def lock(process):
    assert process.stdout.readline() == "runs\n"
    process.stdin.write("lock\n")
    process.stdin.flush()
    assert process.stdout.readline() == "locked\n"


def test_a_lock_of_a_killed_run_is_removed(run):
    first = run()
    lock(first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = run()
    assert second.stdout.readline() == "runs\n"
    second.stdin.close()
    assert "a run that was killed had left its lock" in second.stderr.read()


def test_a_lock_of_a_living_run_stays(run):
    first = run()
    lock(first)
    second = run()
    assert second.stdout.readline() == "refused\n"
    # What was refused ends. The first is still alone.
    second.kill()
    second.wait()
    assert run().stdout.readline() == "refused\n"


def test_a_run_waits_while_another_one_starts(run):
    first, second = run(), None
    assert first.stdout.readline() == "runs\n"
    second = run()
    assert "waiting for another run that is starting" in second.stderr.readline()
    first.stdin.write("lock\n")
    first.stdin.flush()
    assert second.stdout.readline() == "refused\n"


def test_a_lock_of_another_machine_stays(run, tmp_path):
    first = run()
    lock(first)
    first.kill()
    first.wait()
    (tmp_path / ".snakemake" / "running").write_text("another machine")
    assert run().stdout.readline() == "refused\n"


def is_alone(process):
    process.stdin.write("?\n")
    process.stdin.flush()
    return process.stdout.readline() == "True\n"


def test_a_run_that_has_waited_in_vain_is_seen(run):
    """By those that start when the one that it has waited for is gone."""
    first = run()
    assert first.stdout.readline() == "runs\n"
    second = run(patience=0.5)
    lock(second)
    first.kill()
    first.wait()
    assert run().stdout.readline() == "refused\n"


def test_a_run_knows_whether_it_is_alone(run):
    first = run()
    lock(first)
    assert is_alone(first)
    second = run()
    assert second.stdout.readline() == "refused\n"
    assert not is_alone(first)
    second.kill()
    second.wait()
    assert is_alone(first)
    # And it is still seen.
    assert run().stdout.readline() == "refused\n"
