"""A process that has imported what jobs import, and forks a child for each job.

It does no job itself, so that no job can leave anything to the next: each child starts from the
same imported modules, and ends with its script. Snakemake's process starts the template
(`start_template`) and holds the other end of its standard input:

    Snakemake --- starts ---> template --- forks ---> child: does the work
        |                         ^
        +-- starts --> script ----+  asks, waits, and ends as the child ends

Who is killed takes with it who works for it, and nobody else. Snakemake: the template reads the end
of its input and kills the children. The script: the template sees its connection closed and kills
its child. The child: the script ends by the same signal. The template: the kernel kills its
children, their scripts fail, and later scripts do their work themselves.

Only on Linux: elsewhere a process that has imported torch cannot be forked safely.
"""

import ast
import atexit
import ctypes
import gc
import importlib
import json
import os
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pocketvlad.study.forked import (
    ACCEPTED,
    ADDRESS,
    DECLINED,
    LENGTH,
    STATUS,
    received,
    surroundings,
)

_THREADS = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""Variables that Snakemake sets for every job, and that libraries read when they are loaded."""
_PR_SET_PDEATHSIG = 1
_LIFELINE = 0
"""Standard input: its end is Snakemake's."""
_SLOW = 5.0  # seconds that a script may take to say what it wants
_START = f"import sys; from {__name__} import main; main(*sys.argv[1:])"
if not sys.flags.safe_path:
    # Jobs do not import from the working folder: it may have another version of the package, or
    # files with the names of modules.
    _START = f"import sys; del sys.path[0]; {_START}"

_Handler = Callable[[int, FrameType | None], object] | int | None
"""What a process does on a signal, as `signal.signal` takes and gives it."""


def start_template(scripts: Sequence[Path], threads: int) -> None:
    """Start the template, and tell the jobs that this process starts where it is.

    It ends when this process ends, however that does, and imports nothing before a job asks. On
    other systems than Linux there is none.

    Args:
        scripts: what they import is imported.
        threads: of the jobs that are forked; jobs with another number do their work themselves.
    """
    if sys.platform != "linux":
        return
    folder = Path(tempfile.mkdtemp(prefix="pocketvlad-"))  # nobody else may enter it
    address = str(folder / "template")
    variables = dict.fromkeys(_THREADS, str(threads))
    lifeline, _ = os.pipe()  # the other end closes when this process ends, and not before
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(address)
        except OSError:  # the folder for temporary files has too long a path
            folder.rmdir()
            return
        listener.listen(128)
        subprocess.Popen(
            [sys.executable, "-c", _START, str(listener.fileno()), *map(str, scripts)],
            stdin=lifeline,
            pass_fds=[listener.fileno()],
            env={**os.environ, **variables},
        )
    os.close(lifeline)
    os.environ[ADDRESS] = address


def _import_all(scripts: Iterable[str]) -> None:
    """Import what the scripts import at their top; what is not installed is left to them."""
    for script in scripts:
        for node in ast.parse(Path(script).read_text(encoding="utf-8")).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                with suppress(ImportError):
                    importlib.import_module(name)


def _load_the_rest() -> None:
    """What libraries that are imported will import when they are first used."""
    if "torch" not in sys.modules:
        return
    with suppress(ImportError):
        from numba import njit

        njit(lambda number: number + 1)(1)  # most of numba
    with suppress(ImportError):
        # An optimizer asks torch's compiler, of a thousand modules, for a decorator.
        importlib.import_module("torch._dynamo")
    with suppress(ImportError):
        from pocketvlad.data.codecs import reads_heif

        reads_heif()
        importlib.import_module("PIL.Image").init()  # its formats


def _end(status: int) -> None:
    """End this child as Python ends a program, but for taking apart thousands of modules: that
    takes longer than many a job, and copies the memory that all children share."""
    threading._shutdown()  # waits for threads; so does multiprocessing end its forked children
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status & 0xFF)


@dataclass
class _Request:
    """What a script asks for, and its standard streams."""

    script: str
    folders: dict[str, str]
    streams: list[int]

    @classmethod
    def read(cls, line: socket.socket, own: dict[str, object]) -> "_Request | None":
        """None for a script that would do something else here than in a process of its own.

        Args:
            own: the `surroundings` that this process was started in.

        Raises:
            OSError, ValueError, KeyError, TypeError: that is no request.
        """
        head, streams, _, _ = socket.recv_fds(line, LENGTH.size, 3)
        if len(head) < LENGTH.size or len(streams) != 3:
            raise ValueError("no request")
        asked = json.loads(received(line, *LENGTH.unpack(head)))
        request = cls(asked["script"], asked["folders"], streams)
        if asked["surroundings"] == own:
            return request
        request.close()
        return None

    def close(self) -> None:
        for stream in self.streams:
            os.close(stream)

    def fulfil(self) -> None:
        """Be the script, in this process."""
        for number, stream in enumerate(self.streams):
            os.dup2(stream, number)
        self.close()
        os.environ.update(self.folders)
        tempfile.tempdir = None  # looked for anew
        sys.argv = [self.script]
        if not sys.flags.safe_path:
            sys.path.insert(0, str(Path(self.script).parent))
        code = compile(Path(self.script).read_text(encoding="utf-8"), self.script, "exec")
        names = {"__name__": "__main__", "__file__": self.script, "__builtins__": __builtins__}
        try:
            exec(code, names)
        except SystemExit as end:
            if not isinstance(end.code, int | None):
                raise
            _end(end.code or 0)
        _end(0)


def _fork() -> int | None:
    """As `os.fork`; None where there is no room for another process."""
    try:
        return os.fork()
    except OSError:
        return None


class _Template:
    """Forks a child for each script that asks on `listener` from the same surroundings.

    Args:
        own: the `surroundings` of this process.
        interrupt: what it did on SIGINT when it was started, as its children do.
    """

    def __init__(
        self, listener: socket.socket, own: dict[str, object], interrupt: _Handler
    ) -> None:
        self._listener, self._own, self._interrupt = listener, own, interrupt
        self._jobs: dict[int, socket.socket] = {}  # by its child the connection of a script
        self._selector = selectors.DefaultSelector()
        self._ended, ring = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        for each in (_LIFELINE, self._ended, listener):
            self._selector.register(each, selectors.EVENT_READ)

    def serve(self) -> _Request | None:
        """Serve until Snakemake ends. In a child, which returns too: the request to fulfil."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == _LIFELINE:
                    for child in self._jobs:
                        os.kill(child, signal.SIGKILL)
                    return None
                if key.fileobj == self._ended:
                    os.read(self._ended, 4096)
                    self._report()
                elif key.fileobj is self._listener:
                    if request := self._answer():
                        return request
                else:
                    self._abandon(key.data, key.fileobj)

    def _answer(self) -> _Request | None:
        """Take or decline what a script asks for. In the child: its request."""
        line, _ = self._listener.accept()
        line.settimeout(_SLOW)
        request = None
        with suppress(OSError, ValueError, KeyError, TypeError):  # a script that is gone already
            request = _Request.read(line, self._own)
        template = os.getpid()
        child = None if request is None else _fork()
        if child is None:
            if request is not None:
                request.close()
            with suppress(OSError):
                line.sendall(DECLINED)
            line.close()
            return None
        if child == 0:
            self._leave(template)
            line.close()
            return request
        request.close()
        self._jobs[child] = line
        self._selector.register(line, selectors.EVENT_READ, child)
        with suppress(OSError):
            line.sendall(ACCEPTED)
        return None

    def _leave(self, template: int) -> None:
        """In a child: be a process like any other, that ends with the template."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != template:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, self._interrupt)
        self._selector.close()
        self._listener.close()
        for line in self._jobs.values():
            line.close()

    def _report(self) -> None:
        """Tell the scripts of the children that have ended how they did."""
        while self._jobs:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            line = self._jobs.pop(child)
            with suppress(KeyError):  # abandoned
                self._selector.unregister(line)
            with suppress(OSError):
                line.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))
            line.close()

    def _abandon(self, child: int, line: socket.socket) -> None:
        """The script of a child is gone: it has nobody to work for."""
        if self._jobs.get(child) is line:  # else both ended at once, and the child was seen first
            self._selector.unregister(line)
            os.kill(child, signal.SIGKILL)


def main(descriptor: str, *scripts: str) -> None:
    """Import what `scripts` import, then fork for those that ask on the listening socket."""
    # Of the terminal: the children act on theirs, unless it was ignored before, as by `nohup`.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(fileno=int(descriptor))
    own = surroundings()  # before imports, some of which set variables
    begun, _, _ = select.select([listener, _LIFELINE], [], [])
    if _LIFELINE not in begun:  # else nobody is left to ask
        _import_all(scripts)
        _load_the_rest()
        gc.collect()
        gc.freeze()  # a collection in a child would copy all that it looks at
    request = _Template(listener, own, interrupt).serve()
    if request is None:
        shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)
        os._exit(0)  # at once: nothing here has to be tidied up
    else:
        request.fulfil()
