"""Starts `speed` in fresh processes with one thread. Free of torch."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


def measured_alone(tasks: Sequence[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    """What `speed.measured` says of each task, by a process each.

    All of them import together, which takes a second or two. Then one measures at a time, while the
    others wait.

    Raises:
        RuntimeError: a process failed; says how.
    """
    command = [sys.executable, "-m", "pocketvlad.retrieval.speed"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with ExitStack() as stack:
        started = []
        for _ in tasks:
            process = subprocess.Popen(command, env=os.environ | _ONE_THREAD, text=True, **pipes)
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        for process in started:
            process.stdout.readline()  # it is ready, or has ended
        for task, process in zip(tasks, started, strict=True):
            output, errors = process.communicate(json.dumps(task))
            if process.returncode:
                raise RuntimeError(
                    f"{task['model']} was not measured (exit {process.returncode}):\n"
                    f"{(errors or output).strip()[-2000:]}"
                )
            yield json.loads(output.splitlines()[-1])
