"""A results folder that becomes read-only: before a run, or in the midst of a job."""

from random import Random

from faults.kinds import Kind, require_said
from faults.mounts import read_only
from faults.study import NotSurvivedError, Study


def _inject(study: Study, rule: str, rng: Random) -> list[str]:
    results = study.folder / "results"
    if results.is_dir() and rng.random() < 0.3:
        with read_only(results), study.run() as run:
            status, text = run.wait()
        if "Nothing to be done" in text:
            return []
        moment = "before the run"
    else:
        with study.run() as run:
            job = run.job_of(rule)
            if job is None:
                return []
            study.delay(job, rule, rng)
            with read_only(results):
                status, text = run.wait()
        moment = f"in {rule}"
    if status == 0:
        if moment == "before the run":
            raise NotSurvivedError("a run in a folder that cannot be written was no failure")
        return []
    require_said(text, "Read-only file system", "results")
    return [f"read-only {moment}"]


KINDS = [Kind("results read-only", _inject, mounts=True)]
