"""SIGKILL of the process that does a job, as a system short of memory sends it."""

from random import Random

from faults.kinds import GOES_ON, Kind, require_said
from faults.study import NotSurvivedError, Study


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    with study.run() as run:
        while process := run.job_of(rule):
            study.delay(process, rule, rng)
            if study.kill([process]):
                break
        else:
            return []
        status, text = run.wait()
    if status == 0:
        return []  # it had done all but ending
    require_said(text, rule, GOES_ON)
    if "IncompleteFilesException" in text or "cannot be locked" in text:
        raise NotSurvivedError(text[-3000:])
    return [f"{rule} killed"]


KINDS = [Kind("job killed", _inject, times=2, every_rule=True)]
