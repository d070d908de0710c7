"""SIGKILL of Snakemake itself in the midst of a job: with all its jobs, or alone."""

from random import Random

from faults.kinds import Kind
from faults.processes import processes_in
from faults.study import Study


def _inject(study: Study, rule: str, rng: Random, with_jobs: bool) -> list[str]:
    with study.run() as run:
        job = run.job_of(rule)
        if job is None:
            return []
        study.delay(job, rule, rng)
        run.process.kill()
        if with_jobs:
            study.kill(processes_in(study.folder))
        run.process.wait()
    # Nobody is left to say anything: what counts is that the next run begins.
    return [f"Snakemake killed in {rule}"]


KINDS = [
    Kind("Snakemake and its jobs killed", lambda *given: _inject(*given, with_jobs=True)),
    Kind("Snakemake alone killed", lambda *given: _inject(*given, with_jobs=False)),
]
