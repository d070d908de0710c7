"""What every script of the workflow does around its work."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


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
    """Send what the job prints, its progress and its errors to the terminal and to `log`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names of files may be of any bytes
    with open(log, "w", encoding="utf-8", errors="backslashreplace") as file:
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Tee(sys.stdout, file), _Tee(sys.stderr, file)
        try:
            yield
        except BaseException:
            # Snakemake prints the error to the terminal; without this the log would lack it.
            traceback.print_exc(file=file)
            raise
        finally:
            sys.stdout, sys.stderr = streams


def pass_on_path(folder: str) -> None:
    """Let the Python processes that this one starts import from `folder` before all else."""
    others = filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
