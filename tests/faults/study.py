"""The reduced study that suffers the faults: its folder, its runs, what it must come to."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NoReturn

from faults.processes import Process, jobs_in, now, open_in, processes_in

_PATIENCE = 600.0  # seconds for a run
_ONE_FILE = 0.25  # of the runs are for one file alone
_LAST_WORDS = 5.0  # seconds for a process to say where it hangs
_VARYING = re.compile(
    r"speed(/|[._])|plots/run-time\.|map\.(md|html)|map_fragment\.|rivals\."
    r"|city/(map\.pvmap|city\.json)$"
)
"""Results that measure time or memory, or hold the dates of photographs, and so are new each time.
All others are the same."""


class NotSurvivedError(AssertionError):
    """A fault had a consequence that it must not have; says which."""


@dataclass
class Reference:
    """What an undisturbed run has left.

    seconds: by rule, how long its longest job took.  made: by rule the files that its jobs have
    made, in `folder`; rules in the order in which their first jobs began. Both only of what the
    targets need.  passing: files that were made and are gone, since all that reads them was made.
    scripts: by rule the name of its script, which several rules may share.
    """

    folder: Path
    study: str
    seconds: dict[str, float]
    made: dict[str, list[str]]
    passing: frozenset[str] = frozenset()
    scripts: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.folder / "results" / self.study

    @property
    def rules(self) -> list[str]:
        return list(self.made)

    @classmethod
    def of(cls, folder: Path, study: str, targets: Sequence[str] = ()) -> "Reference":
        """By what Snakemake has noted of each file.

        Args:
            folder: where it ran.
            targets: files; names of rules among them stand for all that was made.
        """
        records = _records(folder)
        if targets and all(target in records for target in targets):
            records = {file: records[file] for file in _needed(records, targets)}
        seconds: dict[str, float] = {}
        made: dict[str, list[str]] = {}
        for file, record in sorted(records.items(), key=lambda each: each[1]["starttime"]):
            rule, took = record["rule"], record["endtime"] - record["starttime"]
            seconds[rule] = max(seconds.get(rule, 0), took)
            if (folder / file).exists():
                made.setdefault(rule, []).append(file)
        passing = records.keys() - {file for files in made.values() for file in files}
        scripts = {each["rule"]: Path(each["code"].strip('" \n')).stem for each in records.values()}
        return cls(folder, study, seconds, made, frozenset(passing), scripts)


def _records(folder: Path) -> dict[str, dict]:
    """What Snakemake has noted of each file, by its name."""
    notes, found = folder / ".snakemake" / "metadata", {}
    for path in notes.rglob("*"):
        if path.is_file():
            # A name in base 64, which is cut into folders where it is too long for one.
            name = "".join(part.removeprefix("@") for part in path.relative_to(notes).parts)
            found[b64decode(name, b"-_").decode()] = json.loads(path.read_text())
    return found


def _needed(records: Mapping[str, dict], targets: Sequence[str]) -> set[str]:
    """The targets, and what was made for them."""
    found: set[str] = set()
    waiting = list(targets)
    while waiting:
        file = waiting.pop()
        if file in records and file not in found:
            found.add(file)
            waiting += records[file]["input"]
    return found


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

    def job_of(self, rule: str, again: bool = False) -> Process | None:
        """A process that does a job of a rule, as soon as there is one; None: none will come.

        Args:
            again: whether what the rule has made is there, and is made again.

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
            if not again and not self.has_left(rule):
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

    targets: what the command asks for beside the study's config; all of it without.  aimed: what
    it asks for in their place, until `aim` says otherwise.
    """

    folder: Path
    name: str
    reference: Reference
    targets: Sequence[str] = ()
    aimed: Sequence[str] = ()
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
        command = [sys.executable, "-m", "snakemake", "--cores", "2"]
        variables = {
            "PYTHONPATH": str(self.folder),
            "PYTHONFAULTHANDLER": "1",
            "POCKETVLAD_DATA": str(self.folder / "data"),
        }
        with open(output, "w") as file:
            process = subprocess.Popen(
                [*command, *options, "--", *(self.aimed or self.targets)],
                cwd=self.folder,
                env=os.environ | variables,
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
        """Whether something that jobs of a rule make is missing."""
        return bool(self._missing(rule))

    def _missing(self, rule: str) -> list[str]:
        files = self.reference.made.get(rule, [])
        return [file for file in files if not (self.folder / file).exists()]

    def aim(self, rule: str, rng: Random) -> None:
        """Let runs make one missing file of a rule alone, or, mostly, all of the study."""
        missing = self._missing(rule)
        self.aimed = (rng.choice(missing),) if missing and rng.random() < _ONE_FILE else ()

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
        for path in _files(self.folder / "resources"):
            expected = self.reference.folder / path.relative_to(self.folder)
            if expected.is_file() and path.read_bytes() != expected.read_bytes():
                raise NotSurvivedError(f"{path.name} is not what was downloaded")
        for path in _files(self.results):
            name = path.relative_to(self.results)
            expected = self.reference.results / name
            if _VARYING.match(str(name)):
                continue
            if name.parts[0] == "checkpoints":
                if path.suffix == ".pt" and not _is_whole(path):
                    raise NotSurvivedError(f"{name} is damaged")
            elif str(path.relative_to(self.folder)) in self.reference.passing:
                continue
            elif not expected.is_file():
                raise NotSurvivedError(f"{name}: an undisturbed run has no such file")
            elif lasting(path) != lasting(expected):
                size = path.stat().st_size
                raise NotSurvivedError(
                    f"{name} has {size} bytes and is not that of an undisturbed run, of "
                    f"{expected.stat().st_size}"
                )

    def check_all(self) -> None:
        """At the end: nothing is missing, nothing is left over, there is nothing to do.

        Raises:
            NotSurvivedError: there is.
        """
        self.check_files()
        for rule in self.reference.rules:
            for path in map(self.reference.folder.joinpath, self.reference.made[rule]):
                for file in [path, *path.rglob("*")]:
                    name = file.relative_to(self.reference.folder)
                    if not file.name.startswith(".") and not (self.folder / name).exists():
                        raise NotSurvivedError(f"{name} of {rule} is missing")
        left = [self.folder / file for file in self.reference.passing]
        left = [file for file in left if file.exists()]
        if left := left or list((self.results / "checkpoints").glob("*.pt")):
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


def _files(folder: Path) -> Iterator[Path]:
    """All in a folder that have final names."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path


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
        return re.sub(rb'"\w+_(ms|seconds|memory_mb)": [\d.e-]+', b"", content)
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
