"""A job's script is given to the template process, if there is one.

    python -I -S forked.py ADDRESS PYTHON SCRIPT

Snakemake puts all but the last two words before the command of each job (`template.start_template`
has them). The template (`study/template.py`) has imported what jobs import, and forks a child that
runs the script. To import torch, pandas and numba takes a job more than a second, and what
Snakemake itself lets a script import, 60 ms; the fork takes a few hundredths. Where no template
answers, or where it would not do the same, and for all other commands, this process becomes the
command. It imports little of the standard library, and nothing else: every job waits for it.
"""

import os
import signal
import socket
import struct
import sys
from contextlib import suppress

ACCEPTED, DECLINED = b"y", b"n"
STATUS = struct.Struct("!i")
"""How a child ended, as `os.waitstatus_to_exitcode` says it."""
LENGTH = struct.Struct("!I")
"""Of the request that follows, see `requested`."""

_PATIENCE = 120.0  # seconds; a template that has just been started is still importing
_PEER = struct.Struct("3i")  # process, user, group
_FOLDERS = (b"TMPDIR", b"TMP", b"TEMP", b"TEMPDIR")
"""Variables that say where temporary files go: they may be different for every job."""
_OWN = (*_FOLDERS, b"_", b"SHLVL", b"PWD", b"OLDPWD")


def surroundings(python: str) -> list[bytes]:
    """What has to be the same for a child of another process to do what this Python would do: the
    interpreter, the working folder and the environment."""
    shared = (each for each in os.environb if each not in _OWN)
    environment = [key + b"=" + os.environb[key] for key in sorted(shared)]
    return [os.fsencode(python), os.getcwdb(), *environment]


def requested(python: str, script: str) -> bytes:
    """A request: parts that have no zero byte, with one between any two."""
    folders = [os.environb.get(key, b"") for key in _FOLDERS]
    return b"\0".join([os.fsencode(script), *folders, *surroundings(python)])


def read_request(text: bytes) -> tuple[str, dict[bytes, bytes], list[bytes]]:
    """The script, the variables that say where its temporary files go, and its surroundings.

    Raises:
        ValueError: that is no request.
    """
    script, *others = text.split(b"\0")
    folders, around = others[: len(_FOLDERS)], others[len(_FOLDERS) :]
    named = {key: value for key, value in zip(_FOLDERS, folders, strict=True) if value}
    return os.fsdecode(script), named, around


def socket_name(address: str) -> str:
    """Of an abstract socket: it has no file, and nothing of it is left when its process is gone."""
    return f"\0{address}"


def of_this_user(line: socket.socket) -> bool:
    """Whether the process at the other end is this user's: anybody may connect to such a socket,
    or listen at its address when it is gone."""
    _, user, _ = _PEER.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return user == os.getuid()


def received(line: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer where the other end has closed."""
    parts = b""
    while len(parts) < size and (part := line.recv(size - len(parts))):
        parts += part
    return parts


def asked(line: socket.socket, python: str, script: str) -> bool:
    """Whether the template takes a script."""
    text = requested(python, script)
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


def hand_over(address: str, python: str, script: str) -> None:
    """Let the template do the work of a script, and end as its child does.

    Returns only if this process has to do the work itself.
    """
    try:
        for stream in (0, 1, 2):
            os.fstat(stream)  # of one that is closed the socket would take the number
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(_PATIENCE)
        line.connect(socket_name(address))
        accepted = of_this_user(line) and asked(line, python, script)
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


def main(address: str, *command: str) -> None:
    """Hand over a Python script; be any other command."""
    if len(command) == 2 and command[1].endswith(".py"):
        hand_over(address, *command)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
