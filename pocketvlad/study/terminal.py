"""A quiet terminal: one line a job, with progress and time left, and notes; of a failed job the
reason.

Snakemake's own account of every job, of ten lines, goes to its log file as before (under
`.snakemake/log`). So does what a job prints, to the log of the job. What the user asks for,
`--quiet`, `--verbose`, `--printshellcmds`, a dry run or another logger, is left as it is.
"""

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.study.job import NOTE
from pocketvlad.study.time_left import PlannedJob, TimeLeft
from pocketvlad.util.refusals import remedy

_SHOWN = ("Nothing to be done", "Complete log")
"""Beginnings of what Snakemake says at its ends, and that a user is to see."""
_MOST_NOTES = 5  # of a job
_HANDLER = "DefaultStreamHandler"  # Snakemake's name for the one that writes to the terminal


def duration(seconds: float) -> str:
    """In the unit that matters.

    >>> duration(42), duration(200), duration(8000)
    ('42 s', '3 min', '2 h 13 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def reason(log: str) -> str:
    """What the last traceback in a job's log ends with; "" where there is none.

    >>> reason("reading\\nTraceback (most recent call last):\\n  File ...\\nImageError: a.jpg\\n")
    'ImageError: a.jpg'
    """
    lines = log.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith(" "):
            return "\n".join(lines[number:]) if "Traceback" in log else ""
    return ""


def refused(message: str) -> str:
    """Of Snakemake's message about a file that the system has refused it before a job could begin:
    why, and what to do; "" for other messages.

    >>> refused("OSError:\\n[Errno 28] No space left on device\\n  File ...").partition(": ")[2]
    '[Errno 28] No space left on device; make room on the disk that it lies on'
    """
    found = re.search(r"^\[Errno (\d+)\] .*", message, re.MULTILINE)
    advice = remedy(OSError(int(found[1]), "")) if found else None
    # The message need not name the file; Snakemake's own lie in this folder.
    return f"{Path.cwd()}: {found[0]}; {advice}" if found and advice else ""


def notes(log: str) -> list[str]:
    """The first notes in a job's log, and how many there are more.

    >>> notes("reading\\nnote: left out: a.jpg\\n12 images\\n")
    ['note: left out: a.jpg']
    """
    found = [line for line in log.splitlines() if line.startswith(NOTE)]
    more = len(found) - _MOST_NOTES
    return found[:_MOST_NOTES] + [f"{NOTE}{more} more, in the log"] * (more > 0)


@dataclass(frozen=True)
class _Job:
    """begun: by the clock of log records, in seconds.  log: its file, "" where there is none."""

    rule: str
    name: str
    begun: float
    log: str


def _log_of(record: logging.LogRecord) -> str:
    """The first of a job's logs: its messages."""
    return next(map(str, record.log or ()), "")


def _text_of(log: str) -> str:
    """What a log says; "" where there is none."""
    return Path(log).read_text(encoding="utf-8", errors="replace") if Path(log).is_file() else ""


def _logs_of(record: logging.LogRecord) -> str:
    """Those that there are. A cluster's own comes after a job's, which may not have begun one."""
    found = [each for each in map(str, record.log or ()) if Path(each).is_file()]
    return ", ".join(found) or _log_of(record) or "none"


class Terminal(logging.Formatter):
    """Filter and formatter of the handler that writes to the terminal.

    It reads the events that Snakemake has for logger plugins. (A plugin itself is found only where
    its package is installed, and not as editable; a profile that names one stops every call where
    it is not.)

    Args:
        usual: formats all else.
        shown: rules whose jobs' logs are shown when they end.
    """

    def __init__(self, usual: logging.Formatter, shown: Collection[str] = ()) -> None:
        super().__init__()
        self._usual, self._shown = usual, frozenset(shown)
        self._time_left = TimeLeft()
        self._running: dict[int, _Job] = {}
        self._ended: list[tuple[_Job, float]] = []  # since the last progress, with their seconds
        self._fault = ""

    def plan(self, jobs: Iterable[PlannedJob]) -> None:
        """Tell which jobs are to run. Without that no line says how much time is left."""
        self._time_left = TimeLeft(jobs)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the terminal shows a record; what the lines need is kept of all."""
        event = getattr(record, "event", None)
        note = getattr(self, f"_note_{event}", None)
        if note is not None:
            note(record)
        if event is None and record.levelno < logging.WARNING:
            return str(record.msg).startswith(_SHOWN)
        if event == "error":
            # Of a job that failed there is a job_error as well.
            return "CalledProcessError" not in str(record.msg) and not refused(str(record.msg))
        return record.levelno >= logging.WARNING or event in ("run_info", "progress")

    def format(self, record: logging.LogRecord) -> str:
        match getattr(record, "event", None):
            case "progress":
                return "\n".join(self._progress(record))
            case "job_error":
                return self._error(record)
        return self._usual.format(record)

    def _note_job_info(self, record: logging.LogRecord) -> None:
        wildcards: Mapping[str, str] = record.wildcards or {}
        name = " ".join([record.rule_name, *map(str, wildcards.values())])
        self._running[record.jobid] = _Job(record.rule_name, name, record.created, _log_of(record))
        kind = record.rule_name, wildcards.get("model", "")
        self._time_left.begin(record.jobid, kind, record.created)

    def _note_job_finished(self, record: logging.LogRecord) -> None:
        if job := self._running.pop(record.job_id, None):
            self._ended.append((job, record.created - job.begun))
            self._time_left.end(record.job_id, record.created)

    def _note_error(self, record: logging.LogRecord) -> None:
        lines = str(record.msg).strip().splitlines()
        # Of a job: its command, and how that ended.
        self._fault = refused(str(record.msg)) or (lines[-1] if lines else "")

    def _left(self, now: float) -> str:
        """ "" until that is known."""
        seconds = self._time_left.seconds(now)
        return "" if seconds is None else f"{duration(seconds)} left"

    def _progress(self, record: logging.LogRecord) -> list[str]:
        lines = []
        total = str(record.total)
        for number, (job, seconds) in enumerate(self._ended, record.done - len(self._ended) + 1):
            line = (
                f"{number:{len(total)}} of {total}  {self._left(record.created):>15}  {job.name}  "
                f"({duration(seconds)})"
            )
            lines.append(line)
            text = _text_of(job.log)
            if job.rule in self._shown and text:
                lines.append(f"\n{text}")
            elif found := notes(text):
                lines += [f"  {each}" for each in [*found, f"log: {job.log}"]]
        self._ended.clear()
        return lines

    def _error(self, record: logging.LogRecord) -> str:
        """ "" of a job that has no reason of its own: one of a group, of which another failed."""
        job = self._running.pop(record.jobid, None)
        self._time_left.fail(record.jobid)
        name = job.name if job else record.rule_name
        found = reason(_text_of(_log_of(record)))
        # A cluster says why in a message, this machine in the error before.
        found = found or (record.rule_msg or "").strip() or self._fault
        self._fault = ""
        if not found and record.indent:
            return ""
        lines = (found or "no reason is known").splitlines()
        return "\n  ".join([f"FAILED  {name}", *lines, f"log: {_logs_of(record)}"])


def make_quiet(
    settings: object, logger: logging.Logger, shown: Collection[str] = ()
) -> Terminal | None:
    """Give Snakemake's terminal handler our lines, unless the user asks for other ones.

    Args:
        settings: Snakemake's `OutputSettings`.
        logger: Snakemake's.
        shown: see `Terminal`.

    Returns:
        What shows the lines, if anything does.
    """
    if settings.dryrun or settings.verbose or settings.printshellcmds or settings.quiet:
        return None
    for handler in logger.handlers:
        if handler.name == _HANDLER:
            terminal = Terminal(handler.formatter, shown)
            handler.addFilter(terminal)
            handler.setFormatter(terminal)
            return terminal
    return None
