"""SIGKILL of several jobs of one run, which goes on with those that do not need them."""

import re
import time
from collections import Counter
from random import Random

from faults.kinds import GOES_ON, Kind, require_said
from faults.processes import jobs_in
from faults.study import NotSurvivedError, Run, Study

_MOST = 6  # jobs of one run
_PAUSE = 0.5  # seconds on average between two of them


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    killed: list[str] = []
    most = rng.randint(2, _MOST)
    with study.run("--keep-going") as run:
        if run.job_of(rule) is None:
            return []
        while not run.has_ended() and len(killed) < most:
            time.sleep(rng.expovariate(1 / _PAUSE))
            if found := _kill_one(study, run, rng):
                killed.append(found)
        # Not to the end of the study: later faults want jobs, too.
        by_itself = run.has_ended()
        status, text = run.stop()
    if status == 0:
        return []  # they had done all but ending
    said = Counter(re.findall(r"^FAILED  (\w+)", text, re.M))
    # A process that was killed before it had its log is known by its script alone.
    scripts = study.reference.scripts
    failed = Counter(scripts[each] for each in said.elements())
    if others := failed - Counter(scripts[each] for each in killed):
        raise NotSurvivedError(f"{', '.join(others)} failed, not killed:\n{text[-3000:]}")
    require_said(text, *[GOES_ON] * by_itself)
    return [f"{each} killed" for each in said.elements()]


def _kill_one(study: Study, run: Run, rng: Random) -> str | None:
    """The rule of the job that was killed."""
    rules = list(study.reference.rules)
    for rule in rng.sample(rules, len(rules)):
        if (jobs := jobs_in(study.folder, rule, run.began)) and study.kill(jobs[-1:]):
            return rule
    return None


KINDS = [Kind("several jobs killed", _inject, faults=3, times=3)]
