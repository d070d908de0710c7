"""What every script of the workflow does around its work."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from pocketvlad.util.measured import measured


@contextmanager
def logged(log: str | Path, measurement: str | Path | None = None) -> Iterator[None]:
    """Send what the job prints, its progress and its errors to `log`.

    The terminal has a line a job, and of a job that fails the reason (`study/terminal.py`).

    Args:
        measurement: the file for time and memory of a job that succeeds.
    """
    # Names of files may be of any bytes. By lines, so that the log can be followed.
    with (
        open(log, "w", buffering=1, encoding="utf-8", errors="backslashreplace") as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        try:
            with measured(measurement):
                yield
        except BaseException:
            traceback.print_exc()
            sys.exit(1)


def pass_on_path(folder: str) -> None:
    """Let the Python processes that this one starts import from `folder` before all else."""
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
