"""A job measures itself: time by the clock, time of processors, peak memory."""

import subprocess
import sys
import time

import pandas as pd
import pytest

from pocketvlad.util.measured import measured


def test_seconds_and_processor_time(tmp_path):
    file = tmp_path / "job.tsv"
    with measured(file):
        time.sleep(0.2)
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
    line = pd.read_csv(file, sep="\t").iloc[0]
    assert line["cpu_time"] == pytest.approx(0.3, abs=0.05)
    assert line["s"] >= 0.5


APART = "import subprocess, sys; subprocess.run([sys.executable, '-c', TASK], check=True)"


@pytest.mark.parametrize("part", ["", APART])
def test_peak_memory_is_that_of_the_job_or_of_a_process_that_it_waits_for(tmp_path, part):
    """300 MB that are written, then freed."""
    file, task = tmp_path / "job.tsv", "block = b'x' * 300_000_000; del block"
    body = part or task
    script = f"""
from pocketvlad.util.measured import measured
TASK = {task!r}
with measured({str(file)!r}):
    {body}
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert 286 < pd.read_csv(file, sep="\t")["max_rss"][0] < 286 + 80


def test_a_job_that_fails_writes_nothing(tmp_path):
    def fail():
        with measured(tmp_path / "job.tsv"):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_measurement_before(tmp_path):
    file = tmp_path / "job.tsv"
    file.write_text("of another run")
    script = f"""
import resource, signal
from pocketvlad.util.measured import measured
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with measured({str(file)!r}):
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "File too large" in run.stderr
    assert file.read_text() == "of another run"
    assert list(tmp_path.iterdir()) == [file]
