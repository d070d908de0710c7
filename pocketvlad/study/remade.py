"""Results that a run makes again, so that the next run knows them if this one is killed.

Snakemake removes a file before the job that makes it again. If that job fails, or Snakemake is
killed, the file is missing, and what an earlier run made of it is there. The next run takes that
for finished: of files between its sources and its targets it does not ask whether they are missing.
So each run writes down what it will make again and what follows from it. Where such a file is
missing when a run starts, what follows from it gets the mark that Snakemake gives to the output of
a job that was killed; it makes that again, and what is missing before.
"""

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pocketvlad.util.atomic import replacing

_FOLDER = Path(".snakemake")
_PLAN = _FOLDER / "remade.json"
_MARKS = _FOLDER / "incomplete"


def planned(dag: object) -> dict[str, list[str]]:
    """What a run is about to make: by each file the files that its jobs make of it.

    Args:
        dag: Snakemake's, of a run that begins. Temporary files are left out: they are missing
            when all is well.
    """
    jobs = set(dag.needrun_jobs())
    return {
        str(file): [
            str(made) for other in dag.depending[job] if other in jobs for made in other.output
        ]
        for job in jobs
        for file in set(job.output) - set(job.temp_output)
    }


def note_plan(following: Mapping[str, Sequence[str]]) -> None:
    """Write down what a run is about to make, as `planned` says it."""
    plan = {file: there for file, made in following.items() if (there := _existing(made))}
    left = {file: made for file, made in _read().items() if not os.path.lexists(file)}
    for file, made in left.items():
        plan[file] = sorted({*made, *plan.get(file, ())})
    _write(plan)


def mark_outdated() -> None:
    """Mark what was made of files that are missing since a run that has not come to its end."""
    for file, made in _read().items():
        if not os.path.lexists(file):
            for each in _existing(made):
                _mark(each)


def note_end() -> None:
    """A run has come to its end: of what is there nothing is left to do. If some of it is missing
    one day, that is its user's will."""
    _write({file: made for file, made in _read().items() if not os.path.lexists(file)})


def _existing(files: Sequence[str]) -> list[str]:
    return [file for file in files if os.path.lexists(file)]


def _read() -> dict[str, list[str]]:
    try:
        plan = json.loads(_PLAN.read_text(encoding="utf-8"))
        return {str(file): list(map(str, made)) for file, made in plan.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(plan: Mapping[str, Sequence[str]]) -> None:
    if not plan:
        _PLAN.unlink(missing_ok=True)
        return
    with replacing(_PLAN) as unfinished:
        unfinished.write_text(json.dumps(plan), encoding="utf-8")


def _mark(file: str) -> None:
    """As Snakemake marks a file while its job is running: by a file whose name, in parts that are
    not too long for the disk, is the file's in base 64."""
    name = urlsafe_b64encode(file.encode()).decode()
    longest = os.pathconf(_FOLDER, "PC_NAME_MAX") - 1 if hasattr(os, "pathconf") else 254
    parts = [name[start : start + longest] for start in range(0, len(name), longest)]
    path = _MARKS.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    with suppress(OSError):  # where nothing can be written, no run can begin
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"external_jobid": None}), encoding="utf-8")
