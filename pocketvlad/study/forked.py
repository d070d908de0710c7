"""A job's script gives its work to the template process, if there is one.

The template (`study/template.py`) has imported what jobs import, and forks a child that runs the
script. Importing torch, pandas and numba takes a job more than a second; the fork a few
hundredths. Where no template answers, or where it would not do the same, the script simply goes
on in its own process. This module imports nothing but the standard library: it comes before all
that is slow.
"""

import json
import os
import signal
import socket
import struct
import sys
from contextlib import suppress

ADDRESS = "POCKETVLAD_TEMPLATE"
"""The environment variable with the path of the template's socket."""
ACCEPTED, DECLINED = b"y", b"n"
STATUS = struct.Struct("!i")
"""How a child ended, as `os.waitstatus_to_exitcode` says it."""
LENGTH = struct.Struct("!I")
"""Of the request that follows: JSON."""

_PATIENCE = 120.0  # seconds; a template that has just been started is still importing
_OWN = {ADDRESS, "_", "SHLVL", "PWD", "OLDPWD", "TMPDIR", "TMP", "TEMP", "TEMPDIR"}


def surroundings() -> dict[str, object]:
    """What has to be the same for a child of another process to do what this one would do."""
    return {
        "executable": sys.executable,
        "flags": list(sys.flags),
        "folder": os.getcwd(),
        "environment": {key: os.environ[key] for key in sorted(os.environ.keys() - _OWN)},
    }


def folders() -> dict[str, str]:
    """The variables that say where temporary files go, which may be different for every job."""
    return {
        key: os.environ[key] for key in ("TMPDIR", "TMP", "TEMP", "TEMPDIR") if key in os.environ
    }


def received(line: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer where the other end has closed."""
    parts = b""
    while len(parts) < size and (part := line.recv(size - len(parts))):
        parts += part
    return parts


def _ask(line: socket.socket) -> bool:
    """Whether the template takes this script."""
    request = {"script": sys.argv[0], "surroundings": surroundings(), "folders": folders()}
    text = json.dumps(request).encode()
    socket.send_fds(line, [LENGTH.pack(len(text))], [0, 1, 2])
    line.sendall(text)
    return received(line, 1) == ACCEPTED


def _end_as(status: int) -> None:
    """End this process the way the child did: with its exit code, or by its signal."""
    if status < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
        status = 128 - status  # of a signal that does not end a process
    os._exit(status)


def hand_over() -> None:
    """Let the template do the work of this script, and end as its child does.

    Returns only if this process has to do the work itself. It is called before the script imports
    anything else.
    """
    address = os.environ.pop(ADDRESS, None)
    if address is None:
        return
    try:
        for stream in (0, 1, 2):
            os.fstat(stream)  # of one that is closed the socket would take the number
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(_PATIENCE)
        line.connect(address)
        accepted = _ask(line)
    except OSError:  # it has ended, or is not to be reached from here; or a stream is closed
        return
    if not accepted:
        line.close()
        return
    # The terminal sends an interrupt to the child, too; what becomes of it, the child says.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line.settimeout(None)
    try:
        answer = received(line, STATUS.size)
    except OSError:
        answer = b""
    if len(answer) < STATUS.size:
        print(
            "the template process ended before this job did; run Snakemake again", file=sys.stderr
        )
        os._exit(1)
    _end_as(STATUS.unpack(answer)[0])
