"""SIGKILL of the process that does a job, as a system short of memory sends it: of a job that has
something to make, or that makes again what is there, as `--forcerun` asks for after a change."""

from random import Random

from faults.kinds import GOES_ON, Kind, require_said
from faults.study import NotSurvivedError, Study


def _killed_in(study: Study, rule: str, rng: Random, *forced: str) -> str | None:
    """What the run said in which a job of the rule was killed; None where none could be.

    Args:
        forced: options by which the rule makes its files again.
    """
    with study.run(*forced) as run:
        while process := run.job_of(rule, again=bool(forced)):
            study.delay(process, rule, rng)
            if study.kill([process]):
                break
        else:
            return None
        status, text = run.wait()
    if status == 0:
        return None  # it had done all but ending
    require_said(text, rule, GOES_ON)
    return text


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    text = _killed_in(study, rule, rng)
    if text is None:
        return []
    if "IncompleteFilesException" in text or "cannot be locked" in text:
        raise NotSurvivedError(text[-3000:])
    return [f"{rule} killed"]


def _inject_again(study: Study, _: str, rng: Random) -> list[str]:
    made = [each for each in study.reference.rules if not study.has_left(each)]
    if not made:
        return []
    rule = rng.choice(made)
    if _killed_in(study, rule, rng, "--forcerun", rule) is None:
        return []
    return [f"{rule} killed, which made its files again"]


KINDS = [
    Kind("job killed", _inject, times=2, every_rule=True),
    Kind("job killed that makes files again", _inject_again),
]
