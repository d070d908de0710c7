"""Results that a run makes again, so that the next run knows them if this one is killed.

Snakemake removes a file before the job that makes it again. If that job fails, or Snakemake is
killed, the file is missing, and what an earlier run made of it is there. The next run takes that
for finished: of files between its sources and its targets it does not ask whether they are missing.
So each run writes down what it will make. Where such a file is missing when a run starts, what was
made of it gets the mark that Snakemake gives to the output of a job that was killed; it makes that
again, and what is missing before.

What was made of a file is what the run's jobs were to make of it, and whatever Snakemake has noted
the file as an input of: a run for a few targets does not know the other results.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from pocketvlad.util.atomic import replacing

_FOLDER = Path(".snakemake")
_PLANS = _FOLDER / "remade"
_MARKS = _FOLDER / "incomplete"
_RECORDS = _FOLDER / "metadata"
# Each run has a plan of its own: runs with other targets may work in the folder at the same time.
_OWN = _PLANS / f"{uuid4().hex}.json"


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


def note_plan(following: Mapping[str, Sequence[str]], alone: bool) -> None:
    """Write down what a run is about to make, as `planned` says it.

    Args:
        alone: whether no other run works in the folder. Then plans of earlier runs become part of
            this one's, as far as their files are missing.
    """
    plan = {file: _existing(made) for file, made in following.items()}
    if not alone:
        _write(plan)
        return
    earlier = [path for path in _PLANS.glob("*.json") if path != _OWN]
    for path in earlier:
        for file, made in _missing(_read(path)):
            plan[file] = sorted({*made, *plan.get(file, ())})
    _write(plan)
    for path in earlier:
        path.unlink(missing_ok=True)


def mark_outdated() -> None:
    """Mark what was made of files that are missing since a run that has not come to its end."""
    missing = {file: made for path in _PLANS.glob("*.json") for file, made in _missing(_read(path))}
    if not missing:
        return
    noted = _noted()
    waiting, seen = list(missing), set(missing)
    while waiting:
        file = waiting.pop()
        for made in {*missing.get(file, ()), *noted.get(file, ())} - seen:
            seen.add(made)
            if os.path.lexists(made):
                _mark(made)
            else:
                waiting.append(made)


def note_end(made: Collection[str]) -> None:
    """The run has come to its end: of what is there nothing is left to do. If some of it is missing
    one day, that is its user's will. What the run made, or found up to date, depends no longer on
    files that are missing: the study has none of these any more.

    Args:
        made: all files of the run's jobs.
    """
    missing = _missing(_read(_OWN))
    _write({file: [each for each in after if each not in made] for file, after in missing})


def _existing(files: Sequence[str]) -> list[str]:
    return [file for file in files if os.path.lexists(file)]


def _missing(plan: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    return ((file, made) for file, made in plan.items() if not os.path.lexists(file))


def _read(path: Path) -> dict[str, list[str]]:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        return {str(file): list(map(str, made)) for file, made in plan.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(plan: Mapping[str, Sequence[str]]) -> None:
    if not plan:
        _OWN.unlink(missing_ok=True)
        return
    _PLANS.mkdir(parents=True, exist_ok=True)
    with replacing(_OWN) as unfinished:
        unfinished.write_text(json.dumps(plan), encoding="utf-8")


def _noted() -> dict[str, set[str]]:
    """By each file what Snakemake has noted as made of it. A record has the name of a mark."""
    found: dict[str, set[str]] = {}
    for folder, _, names in os.walk(_RECORDS):
        before = Path(folder).relative_to(_RECORDS).parts
        for name in names:
            with suppress(OSError, ValueError, TypeError, AttributeError):
                record = json.loads(Path(folder, name).read_text(encoding="utf-8"))
                encoded = "".join(part.removeprefix("@") for part in (*before, name))
                made = urlsafe_b64decode(encoded).decode()
                for file in record.get("input") or ():
                    found.setdefault(str(file), set()).add(made)
    return found


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
