"""Runs of Snakemake in one folder: a lock that a killed run has left is removed.

Snakemake locks what it works on by files under `.snakemake/locks`. They stay when it is killed, and
every later run is refused until somebody calls `snakemake --unlock`. Beside them each run holds a
lock of the operating system, which ends with its process, however that ends. So a new run can tell
whether any run is alive; if none is, the files are of no use and are removed.

Snakemake looks for locks before it writes its own. Of two runs that start at the same moment both
would find none; so a run that starts holds a second lock until it has written its own.
"""

import os
import platform
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

if os.name == "posix":
    import fcntl

_FOLDER = Path(".snakemake")
_LOCKS = _FOLDER / "locks"
_STARTING, _RUNNING = _FOLDER / "starting", _FOLDER / "running"
_PATIENCE = 120.0  # seconds, for another run to start
_held: dict[Path, BinaryIO] = {}


def begin_run() -> None:
    """Take part in the runs of the working directory, until this process ends.

    Waits while another run starts there. Does nothing where the system or its disk knows no such
    locks, or the folder cannot be written: then Snakemake says what is wrong, as it would without.
    """
    if os.name != "posix":
        return
    with suppress(OSError):
        _FOLDER.mkdir(exist_ok=True)
        for path in (_STARTING, _RUNNING):
            _held[path] = open(path, "a+b")  # noqa: SIM115 - until the process ends
        # After a wait in vain, too, this run has to be seen by others.
        if _taken(_held[_STARTING]) and _try(_held[_RUNNING]):
            _remove_left(_held[_RUNNING])
        fcntl.flock(_held[_RUNNING], fcntl.LOCK_SH)


def alone() -> bool:
    """Whether this run is known to be the only one that works in the folder."""
    file = _held.get(_RUNNING)
    if file is None:
        return False
    with suppress(OSError):
        try:
            return _try(file)
        finally:
            # Where it was not, another run holds its own share, so that nobody is taken for alone.
            fcntl.flock(file, fcntl.LOCK_SH)
    return False


def run_begun() -> None:
    """Let other runs start: Snakemake's own lock is there."""
    if file := _held.pop(_STARTING, None):
        file.close()


def _try(file: BinaryIO) -> bool:
    """As `file_lock.try_lock`; but OSError where there are no locks, since then a lock that is held
    proves nothing."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken(file: BinaryIO) -> bool:
    """Take the lock of a run that starts, or wait for it; False when patience ends."""
    if _try(file):
        return True
    print(f"waiting for another run that is starting in {Path.cwd()}", file=sys.stderr)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        time.sleep(0.2)
        if _try(file):
            return True
    return False


def _remove_left(file: BinaryIO) -> None:
    """Remove Snakemake's locks, unless a run of another machine may have made them: not every
    shared disk passes the locks of one machine on to others.

    Args:
        file: says which machine's runs have worked here.
    """
    own = platform.node().encode()
    file.seek(0)
    known = file.read()
    if not _LOCKS.exists() or not any(_LOCKS.iterdir()):
        if known != own:
            file.truncate(0)
            file.write(own)
            file.flush()
    elif known == own:
        shutil.rmtree(_LOCKS)
        print("a run that was killed had left its lock in this folder: removed", file=sys.stderr)
