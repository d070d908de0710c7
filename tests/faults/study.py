"""The reduced study that suffers the faults: its folder, its runs, what it must come to."""

import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NoReturn

from faults.processes import Process, jobs_in, now, open_in, processes_in

_PATIENCE = 600.0  # seconds for a run
_LAST_WORDS = 5.0  # seconds for a process to say where it hangs
_VARYING = re.compile(r"speed(/|[._])|plots/run-time\.|map\.(md|html)|map_fragment\.")
"""Results that measure time or memory, and so are new each time. All others are the same."""


class NotSurvivedError(AssertionError):
    """A fault had a consequence that it must not have; says which."""


@dataclass
class Reference:
    """What an undisturbed run has left.

    seconds: by rule, how long its longest job took.
    """

    results: Path
    seconds: dict[str, float]
    rules: list[str]
    """In the order in which their first jobs began."""

    @classmethod
    def of(cls, folder: Path, study: str) -> "Reference":
        """
        Args:
            folder: where it ran.
        """
        times = folder / "benchmarks" / study
        seconds: dict[str, float] = {}
        for path in times.rglob("*.tsv"):
            rule = path.relative_to(times).parts[0].removesuffix(".tsv")
            lines = path.read_text().splitlines()
            if len(lines) > 1:
                seconds[rule] = max(seconds.get(rule, 0), float(lines[1].split("\t")[0]))
        logs = sorted((folder / ".snakemake" / "log").glob("*.log"))
        text = "\n".join(path.read_text(errors="replace") for path in logs)
        rules = dict.fromkeys(re.findall(r"^(?:local)?rule (\w+):$", text, re.M))
        rules.pop("all", None)  # nothing but its inputs
        return cls(folder / "results" / study, seconds, list(rules))


@dataclass
class Run:
    """One call of Snakemake.  began: on the clock of processes."""

    folder: Path
    process: subprocess.Popen
    output: Path
    began: float
    has_left: Callable[[str], bool]
    """Whether jobs of a rule are still to come."""
    latest: float = field(default_factory=lambda: time.monotonic() + _PATIENCE)
    """When it has to be over."""

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait(self) -> tuple[int, str]:
        """(exit status, what was printed) at its end.

        Raises:
            NotSurvivedError: it does not end.
        """
        try:
            self.process.wait(max(0.0, self.latest - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._give_up()
        return self.process.returncode, self.text()

    def has_ended(self) -> bool:
        """
        Raises:
            NotSurvivedError: it should have, long since.
        """
        ended = self.process.poll() is not None
        if not ended and time.monotonic() > self.latest:
            self._give_up()
        return ended

    def _give_up(self) -> NoReturn:
        """Let Snakemake say where each of its threads is, by Python's handler of faults."""
        self.process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_LAST_WORDS)
        raise NotSurvivedError(f"a run has not ended:\n{self.text()[-10000:]}")

    def job_of(self, rule: str) -> Process | None:
        """A process that does a job of a rule, as soon as there is one; None: none will come.

        Raises:
            NotSurvivedError: the run failed before, or does not end.
        """
        while True:
            ended = self.has_ended()
            if found := jobs_in(self.folder, rule, self.began):
                return found[-1]
            if ended:
                status, text = self.wait()
                if status:
                    raise NotSurvivedError(f"the run did not come to {rule}:\n{text[-3000:]}")
                return None
            if not self.has_left(rule):
                return None
            time.sleep(0.05)

    def stop(self) -> tuple[int, str]:
        """Ask it to end with the jobs that are running."""
        if not self.has_ended():
            self.process.send_signal(signal.SIGTERM)
        return self.wait()


@dataclass
class Study:
    """A clone in which the study is made under faults.

    targets: what the command asks for beside the study's config; all of it without.
    """

    folder: Path
    name: str
    reference: Reference
    targets: Sequence[str] = ()
    begun: dict[Path, tuple[int, list[str]]] = field(default_factory=dict)
    """By the log of a job that was killed: its time then, and the epochs that it had begun."""
    runs: int = 0

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.name

    def start(self, *options: str) -> Run:
        """The README's command, with options on top of it."""
        self.runs += 1
        # Beside it: what is said of a full disk must not be lost on it.
        output = self.folder.with_name(f"output-{self.runs}.txt")
        began = now()
        with open(output, "w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--cores", "2", *options, *self.targets],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(self.folder), "PYTHONFAULTHANDLER": "1"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Run(self.folder, process, output, began, self.has_left)

    @contextmanager
    def run(self, *options: str) -> Iterator[Run]:
        """A run, which ends with the block: by itself, or it is asked to, or after an error in the
        block it is killed with all its jobs."""
        run = self.start(*options)
        try:
            yield run
            run.stop()
        except BaseException:
            self.kill_all()
            run.process.wait()
            raise

    def kill_all(self) -> None:
        """Kill every process in the folder."""
        while found := list(processes_in(self.folder)):
            for process in found:
                process.kill()
            time.sleep(0.05)

    def has_left(self, rule: str) -> bool:
        """Whether jobs of a rule are still to come, by what Snakemake has written of its runs."""
        logs = sorted((self.folder / ".snakemake" / "log").glob("*.log"))
        texts = [path.read_text(errors="replace") for path in logs]
        planned = [text for text in texts if re.search(r"^total +\d+$", text, re.M)]
        if not planned:
            return True  # no run has said yet what it will do
        asked = re.search(rf"^{rule} +(\d+)$", planned[0], re.M)
        ended = sum(text.count(f"(Rule: {rule})") for text in texts)
        return asked is not None and ended < int(asked[1])

    def delay(self, process: Process, rule: str, rng: Random) -> None:
        """Wait for a random moment in a job's life, or its end if that comes first."""
        # Earlier moments more often: jobs were slower where others worked beside them.
        end = time.monotonic() + rng.random() ** 2 * self.reference.seconds.get(rule, 2.0)
        while time.monotonic() < end and not process.has_ended():
            time.sleep(0.02)

    # What must hold after each fault.

    def check_files(self) -> None:
        """Every file with a final name is that of the undisturbed run, to the byte.

        Raises:
            NotSurvivedError: one is not.
        """
        for path in self._files():
            name = path.relative_to(self.results)
            expected = self.reference.results / name
            if _VARYING.match(str(name)):
                continue
            if name.parts[0] == "checkpoints":
                if path.suffix == ".pt" and not _is_whole(path):
                    raise NotSurvivedError(f"{name} is damaged")
            elif not expected.is_file():
                raise NotSurvivedError(f"{name}: an undisturbed run has no such file")
            elif lasting(path) != lasting(expected):
                size = path.stat().st_size
                raise NotSurvivedError(
                    f"{name} has {size} bytes and is not that of an undisturbed run, of "
                    f"{expected.stat().st_size}"
                )

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.results.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(self.results).parts)
            if not hidden and path.is_file():
                yield path

    def check_all(self) -> None:
        """At the end: nothing is missing, nothing is left over, there is nothing to do.

        Raises:
            NotSurvivedError: there is.
        """
        self.check_files()
        if not self.targets:
            there = {path.relative_to(self.results) for path in self._files()}
            for path in sorted(self.reference.results.rglob("*")):
                name = path.relative_to(self.reference.results)
                if path.is_file() and not path.name.startswith(".") and name not in there:
                    raise NotSurvivedError(f"{name} is missing")
            if left := list((self.results / "checkpoints").glob("*.pt")):
                raise NotSurvivedError(f"{left[0]} is left")
        with self.run() as run:
            status, text = run.wait()
        if status or "Nothing to be done" not in text:
            raise NotSurvivedError(f"a run after the last still does something:\n{text[-3000:]}")

    def kill(self, processes: Iterable[Process]) -> bool:
        """SIGKILL; which epochs they had begun is kept. Whether any of them was still there."""
        found = False
        for process in processes:
            logs = open_in(process.number, self.folder / "logs")
            if process.kill():
                found = True
                there = [path for path in logs if path.exists()]
                self.begun |= {path: (path.stat().st_mtime_ns, epochs_in(path)) for path in there}
        return found

    def check_epochs(self) -> None:
        """No epoch that was over when its job was killed is done again.

        Raises:
            NotSurvivedError: one is.
        """
        for path, (written, before) in list(self.begun.items()):
            if not path.exists() or path.stat().st_mtime_ns == written:
                continue  # not begun again yet; Snakemake removes the log before it begins
            del self.begun[path]
            if over := set(before[:-1]) & set(epochs_in(path)):
                raise NotSurvivedError(f"{path.name}: {min(over)} again after {before[-1]}")


def lasting(path: Path) -> bytes:
    """The content of a result without milliseconds, which some files have beside what is the same
    in every run.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "map.csv"
    >>> _ = path.write_text("code,search_ms,places\\nint8,0.25,34\\n")
    >>> lasting(path)
    b'code,places\\nint8,34\\n'
    """
    content = path.read_bytes()
    if path.suffix == ".json":
        return re.sub(rb'"\w+_ms": [\d.e-]+', b"", content)
    if path.suffix == ".csv" and b"_ms" in content.partition(b"\n")[0]:
        lines = [line.split(b",") for line in content.splitlines(keepends=True)]
        kept = [place for place, name in enumerate(lines[0]) if b"_ms" not in name]
        return b"".join(b",".join(line[place] for place in kept) for line in lines)
    return content


def _is_whole(archive: Path) -> bool:
    """Whether a zip archive, as torch writes them, holds all that it says."""
    try:
        with zipfile.ZipFile(archive) as file:
            return file.testzip() is None
    except zipfile.BadZipFile:
        return False


def epochs_in(log: Path) -> list[str]:
    """The epochs that a job's log says it has begun, in their order.

    >>> import tempfile
    >>> log = Path(tempfile.mkdtemp()) / "a.log"
    >>> _ = log.write_text("training, epoch 1 of 2: 0%\\rtraining, epoch 1 of 2: 9%\\n")
    >>> epochs_in(log)
    ['training, epoch 1 of 2']
    """
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return []
    return list(dict.fromkeys(re.findall(r"([^\r\n%]*epoch \d+ of \d+):", text)))
