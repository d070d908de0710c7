"""A disk that is full at some write of a job, of its log or of Snakemake itself."""

from random import Random

from faults.kinds import Kind, require_said
from faults.mounts import full
from faults.study import NotSurvivedError, Study

_CAUSES = ("No space left on device", "are free")
"""The system's words, and those of a check before something large is written."""
_MOST = 1 << 20  # bytes that are left: jobs of the reduced study write up to about as much


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    left = int(_MOST * rng.random() ** 3)  # most files are small
    with study.run() as run:
        job = run.job_of(rule)
        if job is None:
            return []
        study.delay(job, rule, rng)
        with full(study.folder, left):
            status, text = run.wait()
    if status == 0:
        return []  # all that was left to write had its place
    require_said(text, "make room")
    if not any(cause in text for cause in _CAUSES):
        raise NotSurvivedError(f"the message does not say that the disk is full:\n{text[-3000:]}")
    return [f"{left} bytes left in {rule}"]


KINDS = [Kind("disk full", _inject, mounts=True)]
