"""SIGKILL of a job that makes again what is there, as `--forcerun` asks for after a change."""

from random import Random

from faults.kinds import GOES_ON, Kind, require_said
from faults.study import Study


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    made = [each for each in study.reference.rules if study.has_made(each)]
    if not made:
        return []
    again = rng.choice(made)
    with study.run("--forcerun", again) as run:
        while process := run.job_of(again, again=True):
            study.delay(process, again, rng)
            if study.kill([process]):
                break
        else:
            return []
        status, text = run.wait()
    if status == 0:
        return []  # it had done all but ending
    require_said(text, again, GOES_ON)
    return [f"{again} killed, which made its files again"]


KINDS = [Kind("job killed that makes files again", _inject)]
