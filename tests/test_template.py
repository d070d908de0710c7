"""The template process: children that do what scripts would do, and nobody left behind."""

import colorsys
import json
import os
import selectors
import shlex
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

from pocketvlad.study import forked
from pocketvlad.study.forked import asked, hand_over, requested, socket_name, surroundings
from pocketvlad.study.template import _Request, _Template, main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the template")

STARTER = """
import sys
from pathlib import Path
from pocketvlad.study.template import start_template
print(start_template([Path("imports.py")], 1), flush=True)
sys.stdin.read()
"""
# Snakemake's preamble stands before a script's own lines.
HEAD = """
import os, sys
import json, colorsys, time
"""
THREADS = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")


class Workflow:
    """A process that plays Snakemake's part, in a folder with scripts.

    Args:
        prepare: run in that process before Python.
        modules: a folder with further modules.
        imports: what the template imports.
    """

    def __init__(
        self,
        folder: Path,
        prepare: Callable[[], None] | None = None,
        modules: Path = ROOT,
        imports: str = "import colorsys\nimport not_installed_anywhere\n",
    ) -> None:
        self.folder = folder
        # Not for jobs: they do not import from the working folder.
        (folder / "colorsys.py").write_text("raise ValueError('from the working folder')")
        (folder / "pocketvlad").mkdir()
        (folder / "pocketvlad" / "__init__.py").write_text("raise ValueError('another version')")
        (folder / "scripts").mkdir()
        self.environment = os.environ | {"PYTHONPATH": f"{ROOT}:{modules}"}
        (folder / "imports.py").write_text(imports)
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; del sys.path[0]; {STARTER}"],
            cwd=folder,
            env=self.environment,
            preexec_fn=prepare,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.before = shlex.split(self.process.stdout.readline())
        self.address = socket_name(self.before[-1])

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
        environment = {**self.environment, **numbers}
        return subprocess.Popen(
            [*self.before, sys.executable, str(script)],
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


def heed_interrupts() -> None:
    """Also where the tests run in the background of a shell script, whose programs ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """For tests that leave the template as it is."""
    made = Workflow(tmp_path_factory.mktemp("workflow"), heed_interrupts)
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
    script = shared.start(WAITING, prepare=heed_interrupts)
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


def test_where_no_process_can_be_started_a_script_is_declined(monkeypatch):
    def full():
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", full)
    template = object.__new__(_Template)
    template._own, template._jobs, template._steps = surroundings(sys.executable), {}, None
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as line:
        template._listener = listener
        listener.bind("")
        listener.listen()
        line.connect(listener.getsockname())
        line.settimeout(30)
        with ThreadPoolExecutor() as pool:
            accepted = pool.submit(asked, line, sys.executable, "script.py")
            assert template._answer() is None
            assert accepted.result() is False
    assert template._jobs == {}


def test_a_template_that_nobody_has_asked_ends_without_imports():
    code = f"from {main.__module__} import main; main(*__import__('sys').argv[1:])"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")
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


def test_what_one_job_needs_is_imported_before_all_else(tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "slow.py").write_text("import time\ntime.sleep(1)\n")
    workflow = Workflow(tmp_path, modules=tmp_path / "modules", imports="import slow\n")
    body = "print(os.getppid(), 'slow' in sys.modules)"
    first, second = (workflow.run(body)[1].split() for _ in range(2))
    workflow.end()
    assert first[0] == second[0] != str(os.getpid())
    assert (first[1], second[1]) == ("False", "True")


def test_a_module_that_is_wrong_ends_only_the_scripts_that_import_it(tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "wrong.py").write_text("half a =\n")
    workflow = Workflow(tmp_path, modules=tmp_path / "modules", imports="import wrong\n")
    status, _, errors = workflow.run("import wrong")
    assert (status, errors.splitlines()[-1]) == (1, "SyntaxError: invalid syntax")
    assert workflow.run("print(os.getppid())")[1] != f"{os.getpid()}\n"
    workflow.end()


@pytest.mark.parametrize("wrong", ["half a script", "a link of an editor"])
def test_a_file_that_is_no_script_ends_no_job(tmp_path, wrong):
    """Among the scripts, while one is edited during a run."""
    workflow = Workflow(tmp_path, imports="def (")
    if wrong == "a link of an editor":
        (tmp_path / "imports.py").unlink()
        (tmp_path / "imports.py").symlink_to("me@host.4242:1")
    status, parent, errors = workflow.run("time.sleep(0.3); print(os.getppid())")
    assert (status, errors) == (0, "")
    assert workflow.run("print(os.getppid())")[1] == parent
    workflow.end()


def test_with_snakemake_all_end(workflow, tmp_path):
    template = workflow.template()
    script = workflow.start(WAITING)
    child = int(script.stdout.readline())
    workflow.process.kill()
    assert gone(child)
    assert gone(template)
    assert script.wait(30) in (1, -signal.SIGKILL)
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


def test_of_a_template_that_is_killed_nothing_is_left(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    workflow = Workflow(tmp_path)
    os.kill(template := workflow.template(), signal.SIGKILL)
    assert gone(template)
    workflow.process.kill()
    workflow.process.wait()
    workflow.end()
    assert list(temporary.iterdir()) == []
    assert workflow.address[1:] not in Path("/proc/net/unix").read_text()


def test_nothing_is_done_for_another_user_nor_given_to_one(monkeypatch, tmp_path):
    """Anybody can connect to an abstract socket, or listen where the template has listened."""
    script = tmp_path / "script.py"
    own = surroundings(sys.executable)
    text = requested(sys.executable, str(script))
    head = forked.LENGTH.pack(len(text))

    def read():
        here, there = socket.socketpair()
        with here, there:
            socket.send_fds(there, [head], [0, 1, 2])
            there.sendall(text)
            return _Request.read(here, own)

    assert read().script == str(script)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")
        listener.listen()
        user = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: user)
        assert read() is None
        hand_over(listener.getsockname()[1:].decode(), sys.executable, str(script))
        line, _ = listener.accept()
        with line:
            line.settimeout(30)
            assert line.recv(1) == b""


def test_other_commands_are_what_they_are(shared):
    """As conda's question for the version of a Python."""
    for command in (["echo", "a.py"], [sys.executable, "-c", "print('a.py')"]):
        run = subprocess.run([*shared.before, *command], capture_output=True, text=True, check=True)
        assert run.stdout == "a.py\n"
