"""A process that has imported what jobs import, and forks a child for each job.

It does no job itself, so that no job can leave anything to the next: each child starts from the
same imported modules, and ends with its script. Snakemake's process starts the template
(`start_template`) and holds the other end of its standard input:

    Snakemake --- starts ---> template --- forks ---> child: does the work
        |                         ^
        +-- starts --> `forked` --+  asks, waits, and ends as the child ends

Who is killed takes with it who works for it, and nobody else. Snakemake: the template reads the end
of its input and kills the children. The process that asked: the template sees its connection closed
and kills its child. The child: the one that asked ends by the same signal. The template: the kernel
kills its children, those that asked fail, and later scripts do their work themselves.

It imports while nobody asks. What a script imports is imported before a child is forked for it; so
the first jobs, which draw cities, do not wait for torch.

Only on Linux: elsewhere a process that has imported torch cannot be forked safely.
"""

import ast
import atexit
import ctypes
import gc
import importlib
import os
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from pocketvlad.study import forked
from pocketvlad.study.forked import (
    ACCEPTED,
    DECLINED,
    LENGTH,
    STATUS,
    of_this_user,
    read_request,
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


def start_template(scripts: Sequence[Path], threads: int) -> str:
    """Start the template, which ends when this process ends, however that does.

    On other systems than Linux there is none.

    Args:
        scripts: what they import is imported.
        threads: of the jobs that are forked; jobs with another number do their work themselves.

    Returns:
        What stands in a shell before a command that is to be handed over; "" without a template.
        The command has to be a program, as opposed to a builtin command of the shell.
    """
    if sys.platform != "linux":
        return ""
    variables = dict.fromkeys(_THREADS, str(threads))
    lifeline, _ = os.pipe()  # the other end closes when this process ends, and not before
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # the system chooses a free abstract address
        listener.listen(128)
        address = listener.getsockname()[1:].decode()
        subprocess.Popen(
            [sys.executable, "-c", _START, str(listener.fileno()), *map(str, scripts)],
            stdin=lifeline,
            pass_fds=[listener.fileno()],
            env={**os.environ, **variables},
        )
    os.close(lifeline)
    return shlex.join([sys.executable, "-I", "-S", forked.__file__, address])


def _imported(script: str) -> Iterator[str]:
    """The names of the modules that a script imports at its top; none of a file that cannot be read
    as a script, which says so itself when it runs."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(Path(script).read_bytes()).body:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def _import(name: str) -> None:
    """Import a module. What is wrong with it, or not installed, the scripts will say."""
    with suppress(Exception):
        importlib.import_module(name)


def _import_for(script: str) -> None:
    """Import what a script imports, before the others' turn comes."""
    for name in _imported(script):
        _import(name)
    gc.freeze()  # a collection in a child would copy all that it looks at


def load_coder() -> None:
    """Compile what codes weights, or load it, as the first file does; that imports most of numba.

    A symbol in a file lies at any address: for those that are no multiple of four, there is other
    machine code.
    """
    with suppress(ImportError):
        import numpy as np

        from pocketvlad.format.layer_coding import decode_layer, encode_layer
        from pocketvlad.format.quantized_tensor import QuantizedTensor

        codes = np.eye(4, dtype=np.uint8).reshape(2, 2, 2, 2)
        payload = encode_layer(QuantizedTensor(codes, np.array([0, 1], np.float32)))
        for before in range(4):
            decode_layer(memoryview(bytes(before) + payload)[before:], codes.shape)


def _open_formats() -> None:
    """Import what opens images of all formats, as the first image does."""
    with suppress(ImportError):
        from pocketvlad.data.codecs import reads_heif

        reads_heif()
        importlib.import_module("PIL.Image").init()


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def _steps(scripts: Iterable[str]) -> Iterator[Callable[[], None]]:
    """All that is to be imported, in parts: what the scripts import, and what libraries that they
    import will import when they are first used."""
    for script in scripts:
        for name in _imported(script):
            yield partial(_import, name)
    if "torch" in sys.modules:
        # An optimizer asks torch's compiler, of a thousand modules, for a decorator.
        yield from (load_coder, partial(_import, "torch._dynamo"), _open_formats)
    yield _freeze


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
    folders: dict[bytes, bytes]
    streams: list[int]

    @classmethod
    def read(cls, line: socket.socket, own: list[bytes]) -> "_Request | None":
        """None for a script that would do something else here than in a process of its own.

        Args:
            own: the `surroundings` that this process was started in.

        Raises:
            OSError, ValueError: that is no request.
        """
        head, streams, _, _ = socket.recv_fds(line, LENGTH.size, 3)
        if len(head) < LENGTH.size or len(streams) != 3:
            raise ValueError("no request")
        script, folders, around = read_request(received(line, *LENGTH.unpack(head)))
        request = cls(script, folders, streams)
        if around == own and of_this_user(line):
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
        os.environb.update(self.folders)
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
        steps: what it does while nobody asks, from the first request on: where none comes, it
            has done nothing.
    """

    def __init__(
        self,
        listener: socket.socket,
        own: list[bytes],
        interrupt: _Handler,
        steps: Iterator[Callable[[], None]],
    ) -> None:
        self._listener, self._own, self._interrupt = listener, own, interrupt
        self._steps: Iterator[Callable[[], None]] | None = steps
        self._asked = False
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
            found = self._selector.select(0 if self._asked and self._steps else None)
            if not found:
                self._go_on()
            for key, _ in found:
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

    def _go_on(self) -> None:
        """Do the next step. What is wrong with it, a job will say that takes it."""
        if step := next(self._steps or iter(()), None):
            with suppress(Exception):
                step()
        else:
            self._steps = None

    def _answer(self) -> _Request | None:
        """Take or decline what a script asks for. In the child: its request."""
        self._asked = True
        line, _ = self._listener.accept()
        line.settimeout(_SLOW)
        request = None
        with suppress(OSError, ValueError):  # a script that is gone already
            request = _Request.read(line, self._own)
        if request is not None and self._steps:
            _import_for(request.script)
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
    """Import what `scripts` import, and fork for those that ask on the listening socket."""
    # Of the terminal: the children act on theirs, unless it was ignored before, as by `nohup`.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(fileno=int(descriptor))
    own = surroundings(sys.executable)  # before imports, some of which set variables
    request = _Template(listener, own, interrupt, _steps(scripts)).serve()
    if request is None:
        os._exit(0)  # at once: nothing here has to be tidied up
    else:
        request.fulfil()
