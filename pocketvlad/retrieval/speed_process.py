"""Starts `speed` in a fresh process with one thread. Free of torch."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


def measured_alone(task: Mapping[str, object]) -> dict[str, object]:
    """What `speed.measured` says of a task.

    Raises:
        RuntimeError: the process failed; says how.
    """
    command = [sys.executable, "-m", "pocketvlad.retrieval.speed", json.dumps(task)]
    run = subprocess.run(command, env=os.environ | _ONE_THREAD, capture_output=True, text=True)
    if run.returncode:
        reason = (run.stderr or run.stdout).strip()[-2000:]
        raise RuntimeError(f"{task['model']} was not measured (exit {run.returncode}):\n{reason}")
    return json.loads(run.stdout.splitlines()[-1])
