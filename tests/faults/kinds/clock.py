"""A clock that jumps: files whose dates lie ahead of now, or long ago."""

import os
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from faults.kinds import GOES_ON, Kind, failed, require_said
from faults.study import NotSurvivedError, Study

_DAY = 86400.0


def _inject(study: Study, rule: str, rng: Random, sign: int) -> list[str]:
    files = _made(study)
    if not files:
        return []
    chosen = rng.sample(files, rng.randint(1, len(files)))
    moment = time.time() + sign * _DAY * rng.choice([0.05, 1, 400])
    before = rng.random() < 0.5
    if before:
        _date(chosen, moment)
    with study.run() as run:
        if run.job_of(rule) is None:
            return []
        if not before:
            _date(chosen, moment)
        _, text = run.stop()
    if failed(text) or "older modification time" in text:
        if before:
            raise NotSurvivedError(f"a run does not begin:\n{text[-3000:]}")
        require_said(text, "older modification time", "clock skew", GOES_ON)
    days = (moment - time.time()) / _DAY
    return [f"{len(chosen)} files {days:+.2f} days, {'before' if before else 'in'} a run"]


def _made(study: Study) -> list[Path]:
    return [path for path in sorted(study.results.rglob("*")) if path.is_file()]


def _date(files: list[Path], moment: float) -> None:
    for path in files:
        with suppress(FileNotFoundError):  # a job that runs again has removed it
            os.utime(path, (moment, moment))


KINDS = [
    Kind("clock ahead", lambda *given: _inject(*given, sign=1)),
    Kind("clock behind", lambda *given: _inject(*given, sign=-1)),
]
