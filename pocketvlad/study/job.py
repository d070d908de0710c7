"""What every script of the workflow does around its work."""

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from pocketvlad.util.file_lock import try_lock
from pocketvlad.util.measured import measured
from pocketvlad.util.refusals import remedy

NOTE = "note: "
"""What a line of a job's log begins with that the terminal shows, too."""

_LOCKS = Path(".snakemake", "jobs")
"""A file for the log of each job, held as long as the job is done. They stay."""


@contextmanager
def logged(log: str | Path, measurement: str | Path | None = None) -> Iterator[None]:
    """Send what the job prints, its progress and its errors to `log`.

    The terminal has a line a job, its notes, and of a job that fails the reason
    (`study/terminal.py`). Two processes never do one job at once: where a killed Snakemake has left
    one that is at it, this one waits for its end.

    Args:
        measurement: the file for time and memory of a job that succeeds.
    """
    # Names of files may be of any bytes. By lines, so that the log can be followed.
    with (
        _explained(log),
        _alone(Path(log)),
        open(log, "w", buffering=1, encoding="utf-8", errors="backslashreplace") as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        try:
            with _explained(log), measured(measurement):
                yield
        except SystemExit as end:
            if end.code:
                raise
        except BaseException:
            # Where not even this can be written, the terminal has the error itself.
            traceback.print_exc()
            sys.exit(1)


def note(text: str) -> None:
    """Tell, in the log and on the terminal, what somebody has to know although the job succeeds."""
    for line in text.splitlines():
        print(f"{NOTE}{line}")


@contextmanager
def _explained(log: str | Path) -> Iterator[None]:
    """Errors of the system say which file and what to do."""
    try:
        yield
    except BaseException as error:
        advice = remedy(error)
        if advice and isinstance(error, OSError) and error.filename is None:
            error.filename = str(log)  # all else is written by those who name it
        if advice and not getattr(error, "__notes__", None):
            error.add_note(f"{advice}; then run the same command again: it goes on with this job")
        raise


@contextmanager
def _alone(log: Path) -> Iterator[None]:
    """Wait until no other process does the job with this log; none does until the block ends.

    The log itself cannot be the lock: Snakemake removes it before the job starts, and then that of
    the other process is another file.
    """
    lock = _LOCKS / log.relative_to(log.anchor)
    lock.parent.mkdir(parents=True, exist_ok=True)
    waiting = False
    with open(lock, "ab") as file:
        while not try_lock(file):
            if not waiting:
                print(
                    f"a run that was killed has left a process that still does this job; waiting "
                    f"for its end, or end it: `fuser {lock}` says its number",
                    file=sys.stderr,
                    flush=True,
                )
            waiting = True
            time.sleep(0.5)
        yield


def pass_on_path(folder: str) -> None:
    """Let the Python processes that this one starts import from `folder` before all else."""
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
