"""Runs each step of a coder in a process of its own, and measures time and memory."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NNCODEC = Path(".venv-nncodec") / "bin" / "python"
"""The Python that has nncodec, from the repository's root."""


class RivalError(RuntimeError):
    """A coder cannot run, or has failed."""


def run_step(
    step: str,
    coder: str,
    settings: Mapping[str, object],
    source: Path,
    target: Path,
    python: Path | str = sys.executable,
) -> dict[str, float]:
    """Encode, fit or decode on one core: {"seconds", "peak_memory_mb"}.

    Args:
        step: "encode", from `.npz` to a file; "fit", from JSON (`fitting`) to a file; or
            "decode", from a file to `.npz`.
        coder: a module of `coders`.
        settings: of its `encode`, or of its `fit` where it has one; for each step.
        python: of the environment that the coder runs in.

    Raises:
        RivalError: the environment is missing, or the coder failed; says how.
    """
    if not Path(python).exists():
        raise RivalError(f"{python} is missing, which {coder} runs in; `make nncodec` makes it")
    others = filter(None, [os.environ.get("PYTHONPATH")])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *others]),
        "OMP_NUM_THREADS": "1",
    }
    task = ["-m", __package__, step, coder, json.dumps(settings), str(source), str(target)]
    # Not resolved: the link in a virtual environment is what tells Python where it is.
    command = [str(Path(python).absolute()), *task]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    if run.returncode:
        reason = (run.stderr or run.stdout).strip()[-2000:]
        raise RivalError(f"{coder} could not {step} {source} (exit {run.returncode}):\n{reason}")
    return json.loads(run.stdout.splitlines()[-1])
