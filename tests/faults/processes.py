"""The processes of one folder, found by what they run and where: Linux's /proc.

Whoever started a job, and whether it was forked from a process that had imported what it needs:
it works in the study's folder, and either its command names the rule's script or it has the rule's
log open.
"""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """number: its id.  began: seconds after the machine was started."""

    number: int
    began: float
    command: str

    def kill(self) -> bool:
        """SIGKILL; whether it was still there."""
        with suppress(ProcessLookupError):
            os.kill(self.number, signal.SIGKILL)
            return True
        return False

    def has_ended(self) -> bool:
        return _read(self.number) != self


def _read(number: int) -> Process | None:
    """None for one that is gone, or only waits to be asked how it ended."""
    folder = Path("/proc") / str(number)
    try:
        status = (folder / "stat").read_text().rpartition(")")[2].split()
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    if status[0] in "ZX":
        return None
    return Process(number, int(status[19]) / _TICKS, command.strip())


def processes_in(folder: Path) -> Iterator[Process]:
    """All that work in `folder` or below; never this one."""
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if not Path(os.readlink(f"/proc/{entry.name}/cwd")).is_relative_to(folder):
                continue
            if process := _read(int(entry.name)):
                yield process


def jobs_in(folder: Path, rule: str, since: float = 0) -> list[Process]:
    """The processes in `folder` that do a job of `rule`, a shell around them not among them.

    Args:
        since: those that began earlier are of another run.
    """
    script = re.compile(rf"\.snakemake/scripts/tmp\w+\.{rule}\.py$")
    found = []
    for process in processes_in(folder):
        first = process.command.partition(" ")[0]
        if process.began < since or not Path(first).name.startswith("python"):
            continue
        if script.search(process.command) or _has_log(process.number, folder, rule):
            found.append(process)
    return found


def _has_log(number: int, folder: Path, rule: str) -> bool:
    return any(rule in (path.stem, path.parent.name) for path in open_in(number, folder / "logs"))


def open_in(number: int, folder: Path) -> list[Path]:
    """The files in `folder` that a process has open."""
    found = []
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{number}/fd"):
            with suppress(OSError):
                found.append(Path(os.readlink(entry.path)))
    return [path for path in found if path.is_relative_to(folder)]


def now() -> float:
    """Seconds after the machine was started, as `Process.began`."""
    return float(Path("/proc/uptime").read_text().split()[0])
