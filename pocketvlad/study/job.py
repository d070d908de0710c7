"""What every script of the workflow does around its work."""

import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pocketvlad.util.file_lock import try_lock
from pocketvlad.util.refusals import remedy


class _Tee:
    """Writes to several streams; in all else it is the first."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._streams[0], name)


@contextmanager
def logged(log: str | Path) -> Iterator[None]:
    """Send what the job prints, its progress and its errors to the terminal and to `log`.

    Two processes never do one job at once: where a killed Snakemake has left one that is at it,
    this one waits for its end.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files may be of any bytes
    with (
        _explained(log),
        open(log, "a", encoding="utf-8", errors="backslashreplace") as file,
    ):
        _wait_for_others(file, log)
        file.truncate(0)
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Tee(sys.stdout, file), _Tee(sys.stderr, file)
        try:
            with _explained(log):
                yield
        except SystemExit as end:
            if end.code:
                raise
        except BaseException:
            # Snakemake prints the error to the terminal; without this the log would lack it.
            with suppress(OSError):  # its disk may be what is full
                traceback.print_exc(file=file)
            raise
        finally:
            sys.stdout, sys.stderr = streams


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


def _wait_for_others(file: TextIO, log: str | Path) -> None:
    """Wait until no other process holds the job's log; this one holds it until it is closed."""
    waiting = False
    while not try_lock(file.buffer):
        if not waiting:
            print(
                f"a run that was killed has left a process that still does this job; waiting for "
                f"its end, or end it: `fuser {log}` says its number",
                file=sys.stderr,
                flush=True,
            )
        waiting = True
        time.sleep(0.5)


def pass_on_path(folder: str) -> None:
    """Let the Python processes that this one starts import from `folder` before all else."""
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
