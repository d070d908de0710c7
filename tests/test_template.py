"""The template process: children that do what scripts would do, and nobody left behind."""

import colorsys
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from workflow_runs import ROOT

from pocketvlad.study.forked import _ask, surroundings
from pocketvlad.study.template import _Template, main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the template")

STARTER = """
import sys
from pathlib import Path
from pocketvlad.study.template import start_template
import os
start_template([Path("imports.py")], 1)
print(os.environ["POCKETVLAD_TEMPLATE"], flush=True)
sys.stdin.read()
"""
# Snakemake's preamble stands before a script's own lines.
HEAD = """
import os, sys
from pocketvlad.study.forked import hand_over
hand_over()
import json, colorsys, time
"""
THREADS = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")


class Workflow:
    """A process that plays Snakemake's part, in a folder with scripts.

    Args:
        prepare: run in that process before Python.
    """

    def __init__(self, folder: Path, prepare: Callable[[], None] | None = None) -> None:
        self.folder = folder
        # Not for jobs: they do not import from the working folder.
        (folder / "colorsys.py").write_text("raise ValueError('from the working folder')")
        (folder / "pocketvlad").mkdir()
        (folder / "pocketvlad" / "__init__.py").write_text("raise ValueError('another version')")
        (folder / "scripts").mkdir()
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.environment.pop("POCKETVLAD_TEMPLATE", None)
        (folder / "imports.py").write_text("import colorsys\nimport not_installed_anywhere\n")
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; del sys.path[0]; {STARTER}"],
            cwd=folder,
            env=self.environment,
            preexec_fn=prepare,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()

    def start(
        self,
        body: str,
        threads: int = 1,
        prepare: Callable[[], None] | None = None,
        **variables: str,
    ) -> subprocess.Popen:
        """A script with this body, as Snakemake starts one."""
        scripts = self.folder / "scripts"
        script = scripts / f"script-{len(list(scripts.iterdir()))}.py"
        script.write_text(HEAD + textwrap.dedent(body))
        numbers = {f"{name}_NUM_THREADS": str(threads) for name in THREADS}
        numbers["VECLIB_MAXIMUM_THREADS"] = str(threads)
        environment = {**self.environment, **numbers, "POCKETVLAD_TEMPLATE": self.address}
        return subprocess.Popen(
            [sys.executable, str(script)],
            cwd=self.folder,
            env=environment | variables,
            preexec_fn=prepare,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, body: str, **options: object) -> tuple[int, str, str]:
        """(exit status, output, errors) of a script."""
        script = self.start(body, **options)
        output, errors = script.communicate(timeout=60)
        return script.returncode, output, errors

    def template(self) -> int:
        """The process id of the template, which is the parent of every child."""
        return int(self.run("print(os.getppid())")[1])

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """For tests that leave the template as it is."""
    made = Workflow(tmp_path_factory.mktemp("workflow"))
    yield made
    made.end()


@pytest.fixture
def workflow(tmp_path):
    """For tests that kill."""
    made = Workflow(tmp_path)
    yield made
    made.end()


def gone(process: int) -> bool:
    """Whether a process ends within seconds."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


FACTS = """
print(json.dumps({
    "parent": os.getppid(),
    "arguments": [os.path.basename(each) for each in sys.argv],
    "name": __name__,
    "folder": os.getcwd(),
    "temporary": __import__("tempfile").gettempdir(),
}))
"""


def test_a_child_does_what_the_script_would_do(shared, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    first = json.loads(shared.run(FACTS)[1])
    second = json.loads(shared.run(FACTS, TMPDIR=str(other))[1])
    assert first["parent"] == second["parent"] != os.getpid()
    assert first["name"] == "__main__"
    assert first["arguments"][0].startswith("script-")
    assert first["folder"] == str(shared.folder)
    assert second["temporary"] == str(other)


def test_modules_are_those_that_the_script_would_import(shared):
    """Not those of the working folder, which may hold another version of the package."""
    body = """
    import pocketvlad
    print(os.getppid(), os.path.basename(sys.path[0]), colorsys.__file__, pocketvlad.__file__)
    """
    parent, first, *files = shared.run(body)[1].split()
    assert (int(parent), first) == (shared.template(), "scripts")
    assert files == [colorsys.__file__, str(ROOT / "pocketvlad" / "__init__.py")]


def test_nothing_of_a_job_is_there_in_the_next(shared):
    body = """
    print(getattr(colorsys, "left", "nothing"), "x" in globals(), os.environ.get("LEFT"))
    colorsys.left = x = os.environ["LEFT"] = "something"
    """
    assert {shared.run(body)[1] for _ in range(3)} == {"nothing False None\n"}


def test_a_script_ends_as_its_child_does(shared):
    assert shared.run("print('out'); print('err', file=sys.stderr)") == (0, "out\n", "err\n")
    assert shared.run("sys.exit(3)")[0] == 3
    status, _, errors = shared.run("raise ValueError('a.jpg is no image')")
    assert status == 1
    assert errors.endswith("ValueError: a.jpg is no image\n")
    assert shared.run("os.kill(os.getpid(), 9)")[0] == -signal.SIGKILL
    # One that is killed for its memory is no different, and the next jobs run.
    assert shared.run("print(1)")[:2] == (0, "1\n")


@pytest.mark.parametrize(
    "options",
    [{"threads": 2}, {"SOMETHING": "else"}, {"prepare": lambda: os.close(0)}],
    ids=["threads", "environment", "closed input"],
)
def test_what_would_be_different_is_done_by_the_script_itself(shared, options):
    template = shared.template()
    status, output, _ = shared.run("print(os.getppid())", **options)
    assert (status, int(output)) == (0, os.getpid())
    assert shared.template() == template


WAITING = """
print(os.getpid(), flush=True)
time.sleep(300)
"""


def test_with_the_script_its_child_ends(workflow):
    script = workflow.start(WAITING)
    child = int(script.stdout.readline())
    assert child != script.pid
    script.kill()
    assert gone(child)
    assert workflow.run("print(1)")[:2] == (0, "1\n")


def test_a_child_that_was_reported_is_not_killed(monkeypatch):
    """Where script and child end at once, the end of the script may be seen second: by then the
    child's number may be another process's."""
    killed = []
    monkeypatch.setattr(os, "kill", lambda *each: killed.append(each))
    template = object.__new__(_Template)
    template._jobs, template._selector = {}, selectors.DefaultSelector()
    here, there = socket.socketpair()
    with here, there, template._selector:
        template._abandon(123, here)
        assert killed == []
        template._jobs[123] = here
        template._selector.register(here, selectors.EVENT_READ, 123)
        template._abandon(123, here)
    assert killed == [(123, signal.SIGKILL)]


def test_an_interrupt_of_the_terminal_reaches_the_child_and_not_the_template(shared):
    template = shared.template()
    script = shared.start(WAITING)
    child = int(script.stdout.readline())
    for process in (template, script.pid, child):  # as to a group in the foreground
        os.kill(process, signal.SIGINT)
    assert script.wait(30) == -signal.SIGINT
    assert shared.template() == template


def test_an_interrupt_that_is_ignored_is_ignored_by_children(tmp_path):
    """As by jobs of a Snakemake in the background of a shell script."""

    def prepare():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    workflow = Workflow(tmp_path, prepare)
    body = "import signal; os.kill(os.getpid(), signal.SIGINT); print(os.getppid())"
    status, parent, _ = workflow.run(body, prepare=prepare)
    workflow.end()
    assert status == 0
    assert int(parent) not in (os.getpid(), workflow.process.pid)


def test_where_no_process_can_be_started_a_script_is_declined(monkeypatch, tmp_path):
    def full():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)
    template = object.__new__(_Template)
    template._own, template._jobs = surroundings(), {}
    address = str(tmp_path / "template")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as line:
        template._listener = listener
        listener.bind(address)
        listener.listen()
        line.connect(address)
        line.settimeout(30)
        with ThreadPoolExecutor() as pool:
            accepted = pool.submit(_ask, line)
            assert template._answer() is None
            assert accepted.result() is False
    assert template._jobs == {}


def test_a_template_that_nobody_has_asked_ends_without_imports(tmp_path):
    folder = tmp_path / "socket"
    folder.mkdir()
    code = f"from {main.__module__} import main; main(*__import__('sys').argv[1:])"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "template"))
        listener.listen()
        numbers = [listener.fileno()]
        ended = subprocess.run(
            [sys.executable, "-c", code, str(numbers[0]), "no/such/script.py"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            input=b"",  # at its end
            pass_fds=numbers,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 0
    assert not folder.exists()


def test_with_snakemake_all_end(workflow, tmp_path):
    template = workflow.template()
    script = workflow.start(WAITING)
    child = int(script.stdout.readline())
    workflow.process.kill()
    assert gone(child)
    assert gone(template)
    assert script.wait(30) in (1, -signal.SIGKILL)
    assert not Path(workflow.address).parent.exists()
    # A script that starts now does its own work.
    assert workflow.run("print(os.getppid())")[:2] == (0, f"{os.getpid()}\n")


def test_with_the_template_its_children_end_and_later_scripts_go_on(workflow):
    template = workflow.template()
    script = workflow.start(WAITING)
    child = int(script.stdout.readline())
    os.kill(template, signal.SIGKILL)
    assert gone(child)
    assert script.wait(30) == 1
    assert "the template process ended before this job did" in script.stderr.read()
    assert workflow.run("print(os.getppid())")[:2] == (0, f"{os.getpid()}\n")


def test_many_at_once(shared):
    scripts = [shared.start(f"time.sleep(0.1); print({number})") for number in range(12)]
    outputs = [script.communicate(timeout=60)[0] for script in scripts]
    assert outputs == [f"{number}\n" for number in range(12)]


def test_an_unfit_request_is_declined_and_hurts_nobody(shared):
    template = shared.template()
    for sent in (b"", b"\xff\xff\xff\xffnonsense", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x02[]"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(shared.address)
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            assert line.recv(1) == b"n"
    assert shared.template() == template
    assert os.stat(Path(shared.address).parent).st_mode & 0o077 == 0
